/** A tag's stories over time as bars, with what was expected as a line above them. */

import { svg } from "./dom.js";
import { clock, moment } from "./format.js";

const LONG_S = 43200;

/**
 * Return the drawing, as wide and high as told, in pixels; with `hasAxes` it says how many and when.
 *
 * `told` is a tag's counts as the API has them; `label` says the same in words. The bars of a burst stand out.
 */
export function series(told, { width, height, label, hasAxes = false }) {
  const edges = hasAxes
    ? { left: 40, right: width - 2, top: 14, bottom: height - 24 }
    : { left: 1, right: width - 1, top: 2, bottom: height - 2 };
  const room = edges.right - edges.left;
  const bars = fit(told.stories, Math.floor(room / 3));
  const expected = fit(told.expected, Math.floor(room / 3));
  const most = Math.max(1, ...bars, ...expected);
  const step = room / Math.max(1, bars.length);
  const x = (at) => round(edges.left + (at + 0.5) * step);
  const y = (value) => round(edges.bottom - (value / most) * (edges.bottom - edges.top));
  const loudFrom = bars.length - loudBars(told, bars.length);
  const draw = (from, until) =>
    bars.slice(from, until).map((value, at) => (value ? `M${x(from + at)} ${edges.bottom}V${y(value)}` : "")).join("");
  const stroke = round(Math.max(1, step - 1));
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "series", role: "img", "aria-label": label },
    svg("path", { class: "base", d: `M${edges.left} ${edges.bottom + 0.5}H${edges.right}` }),
    svg("path", { class: "bars", "stroke-width": stroke, d: draw(0, loudFrom) }),
    svg("path", { class: "bars loud", "stroke-width": stroke, d: draw(loudFrom, bars.length) }),
    expected.length ? svg("path", { class: "expected", d: `M${expected.map((value, at) => `${x(at)} ${y(value)}`).join("L")}` }) : null,
    hasAxes ? axes(told, edges, most, y) : null,
  );
}

/** Return at most so many numbers: means of neighbours, where there are more. */
export function fit(values, most) {
  const shared = Math.max(1, Math.ceil(values.length / Math.max(1, most)));
  const begin = values.length % shared;
  const means = [];
  for (let at = begin; at < values.length; at += shared) {
    means.push(values.slice(at, at + shared).reduce((a, b) => a + b, 0) / shared);
  }
  return means;
}

/** How many of the bars are of the burst that goes on. */
function loudBars({ burst, at_s: end, interval_s: interval, stories }, bars) {
  if (!burst || !stories.length) return 0;
  const share = (end - burst.started_at_s + burst.window_s) / (interval * stories.length);
  return Math.min(bars, Math.max(1, Math.round(share * bars)));
}

function axes({ at_s: end, interval_s: interval, stories }, edges, most, y) {
  const begin = end - interval * stories.length;
  const tell = end - begin > LONG_S ? moment : clock;
  const number = most < 10 ? Math.round(most * 10) / 10 : Math.round(most);
  const time = (x, at, anchor) => svg("text", { x, y: edges.bottom + 17, "text-anchor": anchor }, tell(at));
  return svg(
    "g",
    {},
    svg("text", { x: edges.left - 6, y: y(most) + 4, "text-anchor": "end" }, String(number)),
    svg("text", { x: edges.left - 6, y: y(0) + 4, "text-anchor": "end" }, "0"),
    time(edges.left, begin, "start"),
    time(edges.right, end, "end"),
  );
}

const round = (value) => Math.round(value * 10) / 10;
