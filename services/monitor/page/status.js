/** Statuses: a word, a shape and a colour each, so that no one of them is needed. */

import { attribute, el, say, svg } from "./dom.js";

/** From well to worst, as the monitor orders them. */
export const MEANINGS = {
  OK: ["well", "It reads what comes, or nothing waits."],
  EMPTY: ["idle", "No member, and nothing to read: fine for a job that runs now and then."],
  UNKNOWN: ["idle", "Not enough was seen yet."],
  ABANDONED: ["careful", "The group lives, and nobody in it reads this topic any more."],
  WARN: ["careful", "It moves, and falls behind all the same."],
  RISK: ["careful", "Retention will soon delete what it has not read."],
  REWIND: ["careful", "It stands before where it was, or the topic is a new one of the same name."],
  STALL: ["bad", "Somebody has the partition, and makes no progress."],
  STOP: ["bad", "There is something to read, and nobody who would."],
  LOSS: ["bad", "Records were deleted before it read them."],
};

const SHAPES = {
  well: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.2-4.3 5-2.6-2.4 1-1.1 1.5 1.3L10.400 5.200Z",
  idle: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 2a5 5 0 1 1 0 10A5 5 0 0 1 8 3Z",
  careful: "M8 1 15.500 14.500H.5ZM7.200 6v4h1.600V6Zm0 5v1.600h1.600V11Z",
  bad: "M4.700.5h6.600l4.200 4.200v6.600l-4.200 4.200H4.700L.5 11.300V4.700ZM5 4 4 5l3 3-3 3 1 1 3-3 3 3 1-1-3-3 3-3-1-1-3 3Z",
};

export const severity = (status) => MEANINGS[status]?.[0] ?? "idle";

/** Return `{node, update}`: a status, or another word of that kind, as its shape and its word. */
export function badge() {
  const path = svg("path", { "fill-rule": "evenodd" });
  const word = el("span");
  const icon = svg("svg", { viewBox: "0 0 16 16", class: "shape", "aria-hidden": "true" }, path);
  const node = el("span", { class: "badge" }, icon, word);
  const update = (status, kind = severity(status)) => {
    attribute(node, "data-severity", kind);
    attribute(path, "d", SHAPES[kind]);
    say(word, status);
  };
  return { node, update };
}

export function badgeOf(status, kind) {
  const { node, update } = badge();
  update(status, kind);
  return node;
}

/** Fill the list of what each status means. */
export function legend(list) {
  for (const [status, [, meaning]] of Object.entries(MEANINGS)) {
    list.append(el("div", {}, el("dt", {}, badgeOf(status)), el("dd", {}, meaning)));
  }
}
