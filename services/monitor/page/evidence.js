/** A text and the places in it that earned tags -> nodes with those places marked. */

import { el } from "./dom.js";
import { visible } from "./format.js";

/**
 * Cut a text where spans begin and end: `[{text, spans}]`, in order, all of the text and nothing twice.
 *
 * Spans are `{start, end}` in code points, as the contract has them; they may overlap. JavaScript's own offsets count
 * UTF-16 units, of which 🙂 has two, so the text is taken apart first.
 */
export function pieces(text, spans) {
  const points = Array.from(text);
  const inside = spans.filter(({ start, end }) => start < end && start < points.length);
  const cuts = new Set([0, points.length]);
  for (const { start, end } of inside) cuts.add(start).add(Math.min(end, points.length));
  const edges = [...cuts].sort((a, b) => a - b);
  return edges.slice(0, -1).map((start, at) => ({
    text: points.slice(start, edges[at + 1]).join(""),
    spans: inside.filter((span) => span.start <= start && start < span.end),
  }));
}

/** Return the evidence of some tags in one field: `{start, end, points, tag}`. */
export function spansIn(field, tags) {
  return tags.flatMap((tag) =>
    tag.evidence
      .filter((each) => each.field === field)
      .map(({ start, end, points }) => ({ start, end, points, tag })),
  );
}

/** Return nodes of a text, its spans in `mark`, whose title tells the tags and points. */
export function marked(text, spans) {
  return pieces(text, spans).map((piece) => {
    const shown = visible(piece.text);
    if (!piece.spans.length) return document.createTextNode(shown);
    const sum = piece.spans.reduce((total, { points }) => total + points, 0);
    const title = piece.spans.map(({ tag, points }) => `${tag.label} ${signed(points)}`).join(", ");
    const kind = new Set(piece.spans.map(({ tag }) => tag.kind)).size > 1 ? "several" : piece.spans[0].tag.kind;
    return el("mark", { title, "data-kind": kind, "data-against": sum < 0 }, shown);
  });
}

/** Return points as people write them: `+2`, `−0.5`. */
export function signed(points) {
  const size = Math.abs(points).toLocaleString("en", { maximumFractionDigits: 2 });
  return `${points < 0 ? "−" : "+"}${size}`;
}
