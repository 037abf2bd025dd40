/** A list cut short: what matters comes first, a filter finds the rest, and a button shows more. */

import { el, say } from "./dom.js";
import { count } from "./format.js";

const STEP = 100;

/**
 * Return `{controls, tail, update, wanted}` for a list of `what`; `update(items)` shows those that are wanted.
 *
 * `texts(item)` are searched; `show(items)` draws them, `nth(place)` is the node of one; `none` is said when nothing
 * is like what was asked for, `empty` when there is nothing at all. Where there are no more than `few` no filter is needed.
 */
export function shortlist({ what, hint, first, few = 0, texts, show, nth, none, empty }) {
  const state = { items: [], wanted: "", most: first };
  const id = `filter-${what.replaceAll(" ", "-")}`;
  const input = el("input", { type: "search", id, "aria-label": `Filter ${what}`, placeholder: hint });
  const label = el("label", { for: id }, "Filter");
  const nothing = el("p", { class: "note" });
  const more = el("button", { type: "button", class: "more" });

  const draw = (change = {}) => {
    Object.assign(state, change);
    const found = state.items.filter((each) => isLike(texts(each), state.wanted));
    show(found.slice(0, state.most));
    nothing.hidden = found.length > 0;
    say(nothing, state.items.length ? none : empty);
    more.hidden = found.length <= state.most;
    say(more, `Show ${count(Math.min(STEP, found.length - state.most))} more of ${count(found.length)}`);
    for (const each of [label, input]) each.hidden = state.items.length <= few && !state.wanted;
  };
  input.addEventListener("input", () => draw({ wanted: folded(input.value), most: first }));
  more.addEventListener("click", () => {
    const shown = state.most;
    draw({ most: shown + STEP });
    nth(shown)?.querySelector("button, a[href], summary")?.focus(); // the button may have gone
  });
  draw();
  return { controls: [label, input], tail: [nothing, more], update: (items) => draw({ items }), wanted: () => state.wanted };
}

const folded = (text) => text.trim().toLowerCase();

/** Return whether one of the texts has what is wanted in it. */
export const isLike = (texts, wanted) => !wanted || texts.some((text) => text?.toLowerCase().includes(wanted));
