/** The journey as a picture: what comes in, who works on it, what comes out, and who reads that. */

import { attribute, el, keyed, say } from "./dom.js";
import { count, duration, plural, rate } from "./format.js";
import { badge } from "./status.js";

const MOST_READERS = 6;

/** Return `{node, update}` for an overview. */
export function journey() {
  const node = el("ol", { class: "way" });
  const update = (overview) => keyed(node, steps(overview), (step) => step.key, makeStep);
  return { node, update };
}

/** Return the columns of the picture: topics and those who read them by turns. */
export function steps({ topics, groups, dead_letters: letters }) {
  const ours = groups.filter((group) => group.is_ours);
  const others = groups.filter((group) => !group.is_ours);
  const found = [];
  const shown = new Set();
  for (const topic of topics) {
    const readers = ours.filter((group) => group.topics.includes(topic.name));
    if (!readers.length) continue;
    shown.add(topic.name);
    const label = found.length ? "on the way" : "comes in";
    found.push({ key: `in ${topic.name}`, label, cards: [{ topic }], isFlowing: topic.rate > 0 });
    const isFlowing = readers.some((group) => group.rate > 0);
    const cards = readers.map((group) => ({ group }));
    found.push({ key: `by ${topic.name}`, label: "worked on", cards, isFlowing });
  }
  const isOut = ({ name, short_name: short, exists, held }) =>
    !shown.has(name) && (!/^documents\.(clean|enriched)$/u.test(short) || (exists && held > 0));
  const out = topics.filter(isOut);
  const cards = out.map((topic) => ({ topic, letters: /dead-letter$/u.test(topic.short_name) ? letters : null }));
  found.push({ key: "out", label: "comes out", cards, isFlowing: out.some((topic) => topic.rate > 0) });
  if (others.length) {
    const readers = others.slice(0, MOST_READERS).map((group) => ({ group })); // the worst come first
    const more = others.length > MOST_READERS ? [{ more: others.length - MOST_READERS }] : [];
    found.push({ key: "others", label: "is read by", cards: [...readers, ...more], isFlowing: false });
  }
  return found;
}

function makeStep(first) {
  const title = el("h3", {}, first.label);
  const cards = el("ul", { class: "cards" });
  const node = el("li", { class: "step" }, title, cards);
  const update = (step) => {
    say(title, step.label);
    attribute(node, "data-flowing", step.isFlowing);
    attribute(node, "data-crowded", step.cards.length > 3);
    keyed(cards, step.cards, nameOf, (card) => (card.topic ? topicCard() : card.group ? groupCard() : moreCard()));
  };
  return { node, update };
}

const nameOf = ({ topic, group }) => (topic ? `topic ${topic.name}` : group ? `group ${group.name}` : "more");

function moreCard() {
  const link = el("a", { href: "#groups" });
  const update = ({ more }) => say(link, `and ${plural(more, "more group")}, none of them worse`);
  return { node: el("li", { class: "card" }, link), update };
}

function topicCard() {
  const name = el("p", { class: "name" });
  const facts = el("p", { class: "facts" });
  const node = el("li", { class: "card topic" }, name, facts);
  const update = ({ topic, letters }) => {
    say(name, topic.short_name);
    attribute(name, "title", `${topic.name}: ${topic.description}`);
    attribute(node, "data-missing", !topic.exists);
    attribute(node, "data-letters", letters !== null && letters?.last_day > 0);
    const facts_told = [`${rate(topic.rate)} in`, `${count(topic.held)} kept`];
    if (topic.blocked) facts_told.push(`${count(topic.blocked)} blocked`);
    if (letters) facts_told.splice(1, 1, `${letters.is_more ? "≥ " : ""}${count(letters.last_day)} in a day`);
    say(facts, topic.exists ? facts_told.join(" · ") : "missing: run tagwire topics create");
  };
  return { node, update };
}

function groupCard() {
  const status = badge();
  const name = el("a", { href: "#groups" });
  const stages = el("ol", { class: "stages", "aria-label": "Stages" });
  const [lag, waiting, pace] = [el("dd"), el("dd"), el("dd")];
  const facts = el(
    "dl",
    { class: "figures" },
    el("div", {}, el("dt", {}, "lag"), lag),
    el("div", {}, el("dt", {}, "waiting"), waiting),
    el("div", {}, el("dt", {}, "reads"), pace),
  );
  const why = el("p", { class: "why" });
  const heading = el("p", { class: "name" }, name, status.node);
  const node = el("li", { class: "card group" }, heading, stages, facts, why);
  const update = ({ group }) => {
    say(name, group.name);
    status.update(group.status);
    attribute(node, "data-severity", status.node.dataset.severity);
    keyed(stages, group.stages, (stage) => stage, (stage) => ({ node: el("li", {}, stage) }));
    stages.hidden = !group.stages.length;
    say(lag, count(group.lag));
    say(waiting, duration(group.lag_seconds));
    say(pace, rate(group.rate));
    say(why, `${plural(group.members, "member")}: ${group.why}`);
  };
  return { node, update };
}
