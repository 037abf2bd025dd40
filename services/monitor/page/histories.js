/** Each group's looks of late: what the page was told of, and the past of those that somebody sees. */

import { ask, path } from "./client.js";

const POINTS = 720;
const LATE_LOOKS = 2.5;

/** Return `{of, take, fill}`: a group's points, oldest first; take an overview in; ask for the past of some groups. */
export function histories() {
  const known = new Map();
  const filled = new Set();

  const of = (group) => known.get(group) ?? [];

  const take = ({ groups, at_s: at, interval_s: interval }) => {
    for (const { name, lag, lag_seconds, rate } of groups) {
      const points = of(name);
      const last = points.at(-1)?.at_s ?? 0;
      // What was missed is asked for anew.
      if (at - last > LATE_LOOKS * interval) filled.delete(name);
      if (at > last) points.push({ at_s: at, lag, lag_seconds, rate });
      points.splice(0, points.length - POINTS);
      known.set(name, points);
    }
    const names = new Set(groups.map(({ name }) => name));
    for (const name of known.keys()) {
      if (names.has(name)) continue;
      known.delete(name);
      filled.delete(name);
    }
  };

  /** Ask for the past of those whose past is not known, and return whether there were any. */
  const fill = async (names) => {
    const asked = names.filter((name) => known.has(name) && !filled.has(name));
    for (const name of asked) filled.add(name);
    await Promise.all(asked.map(past));
    return asked.length > 0;
  };

  const past = async (name) => {
    try {
      const { points } = await ask(`groups/${path(name)}/history`);
      const since = points.at(-1)?.at_s ?? 0;
      if (known.has(name)) known.set(name, [...points, ...of(name).filter(({ at_s: at }) => at > since)].slice(-POINTS));
    } catch {
      filled.delete(name); // asked again at the next look
    }
  };

  return { of, take, fill };
}
