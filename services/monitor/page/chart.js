/** Lines of numbers over time, as small drawings. Points are `{at, value}`; a value of null is a gap. */

import { el, svg } from "./dom.js";
import { clock } from "./format.js";

const SPARK = { width: 120, height: 28 };

/** Return a line without axes, for a row of a table; `label` says it in words. */
export function spark(points, label) {
  const { width, height } = SPARK;
  const scale = scales(points, { left: 1, right: width - 1, top: 3, bottom: height - 2 });
  const drawing = { viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img", "aria-label": label };
  return svg("svg", drawing, svg("path", { class: "base", d: `M0 ${height - 1.5}H${width}` }), lines(points, scale));
}

/**
 * Return a drawing with axes, as wide as told, in pixels, with a line where the pointer is.
 *
 * `tell(value)` is a value with its unit; the axis reaches to `least` at least; `onPoint(point)` is told what the pointer is at, null when it has left.
 */
export function chart(points, { width, height, label, tell, least, onPoint }) {
  const edges = { left: 62, right: width - 14, top: 12, bottom: height - 26 };
  const scale = scales(points, edges, least);
  const cursor = svg("path", { class: "cursor" });
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "chart", role: "img", "aria-label": label },
    ticks(scale.top).map((value) => level(value, scale, edges, tell)),
    times(points, scale, edges),
    lines(points, scale),
    cursor,
  );
  drawing.addEventListener("pointermove", (event) => {
    const x = event.clientX - drawing.getBoundingClientRect().left;
    const near = points.reduce((a, b) => (Math.abs(scale.x(b.at) - x) < Math.abs(scale.x(a.at) - x) ? b : a), points[0]);
    if (!near) return;
    cursor.setAttribute("d", `M${scale.x(near.at)} ${edges.top}V${edges.bottom}`);
    onPoint(near);
  });
  drawing.addEventListener("pointerleave", () => {
    cursor.removeAttribute("d");
    onPoint(null);
  });
  return drawing;
}

/** Return the table that says what a drawing shows, newest first; at most `most` rows, evenly thinned. */
export function numbers(points, { caption, tell, most = 30 }) {
  const step = Math.max(1, Math.ceil(points.length / most));
  const shown = points.toReversed().filter((_, at) => at % step === 0);
  return el(
    "table",
    { class: "numbers" },
    el("caption", { class: "unseen" }, caption),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), el("th", { scope: "col", class: "number" }, "Value"))),
    el(
      "tbody",
      {},
      shown.map(({ at, value }) => el("tr", {}, el("td", {}, clock(at)), el("td", { class: "number" }, tell(value)))),
    ),
  );
}

function scales(points, { left, right, top, bottom }, least = 1) {
  const most = Math.max(least, ...points.map(({ value }) => value ?? 0));
  const roof = nice(most);
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 1];
  return {
    top: roof,
    first,
    last,
    x: (at) => Math.round(10 * (left + ((at - first) / (last - first || 1)) * (right - left))) / 10,
    y: (value) => Math.round(10 * (bottom - (value / roof) * (bottom - top))) / 10,
  };
}

/** Return the next of 1, 2, 4, 6, 8, 10, 20 …, of which the half is a plain number, too. */
function nice(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].map((each) => each * power).find((each) => each >= most);
}

const ticks = (roof) => [0, roof / 2, roof];

function lines(points, { x, y }) {
  const pieces = [];
  let piece = [];
  for (const { at, value } of [...points, { at: 0, value: null }]) {
    if (value !== null) piece.push([x(at), y(value)]);
    else if (piece.length) {
      pieces.push(piece);
      piece = [];
    }
  }
  const floor = y(0);
  return pieces.flatMap((each) => {
    const line = each.map(([left, top]) => `${left} ${top}`).join("L");
    const area = `M${each[0][0]} ${floor}L${line}L${each.at(-1)[0]} ${floor}Z`;
    return [svg("path", { class: "area", d: area }), svg("path", { class: "line", d: `M${line}` })];
  });
}

function level(value, { y }, { left, right }, tell) {
  const place = { x: left - 8, y: y(value) + 4, "text-anchor": "end" };
  return svg("g", {}, svg("path", { class: "grid", d: `M${left} ${y(value)}H${right}` }), svg("text", place, tell(value)));
}

function times(points, { x, first, last }, { left, right, bottom }) {
  if (points.length < 2) return [];
  const many = Math.max(2, Math.min(6, Math.floor((right - left) / 130)));
  return Array.from({ length: many }, (_, at) => {
    const time = first + ((last - first) * at) / (many - 1);
    const anchor = at === 0 ? "start" : at === many - 1 ? "end" : "middle";
    return svg("text", { x: x(time), y: bottom + 18, "text-anchor": anchor }, clock(time));
  });
}
