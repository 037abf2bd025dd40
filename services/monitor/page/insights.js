/** What insights say, where they run: asked for anew when the overview tells that there is something new. */

import { ask } from "./client.js";
import { say } from "./dom.js";
import { stories } from "./stories.js";
import { trends } from "./trends.js";

/** Fill the parts of the page that are about insights; `update` takes what an overview tells of them. */
export function insights(at) {
  const parts = { trends: trends(), stories: stories() };
  for (const [name, part] of Object.entries(parts)) {
    at(`${name}-controls`).append(...part.controls);
    at(`${name}-list`).append(part.node);
  }
  let seen = null;

  const update = async (told) => {
    const isThere = told?.state === "ready";
    for (const node of [at("insights"), ...document.querySelectorAll("[data-insights]")]) node.hidden = !isThere;
    if (!isThere) return;
    say(at("insights-problem"), told.problem ? `This may be old: ${told.problem}` : "");
    if (told.changes === seen) return;
    try {
      const [bursts, groups] = await Promise.all([ask("trends"), ask("stories")]);
      parts.trends.update(bursts);
      parts.stories.update(groups);
      seen = told.changes;
    } catch {
      seen = null; // asked again at the next look
    }
  };
  return { update };
}
