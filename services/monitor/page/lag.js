/** Lag over time of one group: a line, what it says in words, and the numbers as a table. */

import { chart, numbers } from "./chart.js";
import { el, keyed, say } from "./dom.js";
import { clock, count, duration, plural, rate } from "./format.js";

const MEASURES = {
  lag: { label: "records", of: (point) => point.lag, tell: count, least: 4 },
  seconds: { label: "time", of: (point) => point.lag_seconds, tell: duration, least: 1 },
  rate: { label: "reads", of: (point) => point.rate, tell: rate, least: 1 },
};
const HEIGHT = 220;

/** Return `{controls, node, update, redraw}`; `history` gives a group's points, oldest first; `onShown` is told whose are shown. */
export function lag(history, onShown) {
  const state = { group: null, measure: "lag", width: 0 };
  const group = el("select", { id: "lag-group", on: { change: () => draw({ group: group.value }) } });
  const measures = Object.entries(MEASURES).map(([name, { label }]) => {
    const change = () => draw({ measure: name });
    const radio = el("input", { type: "radio", name: "measure", value: name, checked: name === "lag", on: { change } });
    return el("label", {}, radio, el("span", {}, label));
  });
  const choice = el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, "Measure"), measures);
  const controls = [el("label", { for: "lag-group" }, "Group"), group, choice];

  const words = el("p", { class: "note" });
  const figure = el("div", { class: "figure" });
  const list = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Numbers of the line" });
  const details = el("details", { on: { toggle: () => draw({}) } }, el("summary", {}, "The same as a table"), list);
  const node = el("div", {}, words, figure, details);

  const draw = (change) => {
    Object.assign(state, change);
    if (change.group) onShown(change.group);
    const { of, tell, label, least } = MEASURES[state.measure];
    const points = history(state.group).map((point) => ({ at: point.at_s, value: of(point) }));
    const sentence = `${state.group}, ${label}: ${summary(points, tell)}`;
    say(words, sentence);
    const onPoint = (point) =>
      say(words, point ? `${clock(point.at)}: ${point.value === null ? "not known" : tell(point.value)}` : sentence);
    if (state.width) {
      figure.replaceChildren(chart(points, { width: state.width, height: HEIGHT, label: sentence, tell, least, onPoint }));
    }
    if (details.open) list.replaceChildren(numbers(points, { caption: sentence, tell }));
  };
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.abs(contentRect.width - state.width) >= 1) draw({ width: Math.floor(contentRect.width) });
  }).observe(figure);

  const update = (overview) => {
    const names = overview.groups.map(({ name }) => name).sort();
    const option = (name) => ({ node: el("option", { value: name }, name) });
    keyed(group, names, (name) => name, option);
    const first = overview.groups.find((each) => each.is_ours)?.name ?? names[0] ?? null;
    const chosen = names.includes(state.group) ? state.group : first;
    group.value = chosen;
    // Somebody is reading it with the pointer: it waits.
    if (!figure.matches(":hover") || chosen !== state.group) draw({ group: chosen });
  };
  return { controls, node, update, redraw: () => draw({}) };
}

function summary(points, tell) {
  const known = points.filter(({ value }) => value !== null);
  if (!known.length) return "nothing is known yet";
  const most = known.reduce((a, b) => (b.value > a.value ? b : a));
  const now = points.at(-1).value;
  const span = duration(points.at(-1).at - points[0].at);
  const ending = `at most ${tell(most.value)} at ${clock(most.at)}, in ${plural(points.length, "look")} over ${span}`;
  return `${now === null ? "not known now" : `now ${tell(now)}`}, ${ending}`;
}
