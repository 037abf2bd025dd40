/** The latest documents with their tags; each can be opened and read. */

import { ask } from "./client.js";
import { el, keyed, say } from "./dom.js";
import { clock, duration, visible } from "./format.js";
import { read } from "./reading.js";

const FIRST = 8;

/** Return `{controls, node, update, opener}`; `update` asks for the documents anew. */
export function documents() {
  const state = { all: [], wanted: "", most: FIRST };
  const input = (event) => {
    state.wanted = event.target.value.trim().toLowerCase();
    draw();
  };
  const filter = el("input", { type: "search", id: "document-filter", placeholder: "tag, title or source", on: { input } });
  const controls = [el("label", { for: "document-filter" }, "Filter"), filter];
  const list = el("ul", { class: "entries" });
  const nothing = el("p", { class: "note" });
  const more = el("button", { type: "button", on: { click: () => draw({ most: Infinity }) } });
  const node = el("div", {}, list, nothing, more);

  const draw = (change = {}) => {
    Object.assign(state, change);
    const found = state.all.filter((each) => !state.wanted || matches(each, state.wanted));
    keyed(list, found.slice(0, state.most), (each) => each.position, entry);
    nothing.hidden = found.length > 0;
    say(nothing, state.all.length ? "None of the latest documents is like that." : "No document has come out yet.");
    more.hidden = found.length <= state.most;
    say(more, `Show ${found.length - state.most} more`);
  };
  draw();
  const update = async () => draw({ all: (await ask("documents")).documents });
  const opener = (position) => {
    const row = state.all.find((each) => each.position === position);
    return row?.is_whole ? () => read(row) : null;
  };
  return { controls, node, update, opener };
}

function matches({ id, title, source, tags }, wanted) {
  const told = [id, title ?? "", source, ...tags.flatMap((tag) => [tag.id, tag.label])];
  return told.some((text) => text.toLowerCase().includes(wanted));
}

function entry(row) {
  const open = el("button", { type: "button", class: "link title", dir: "auto", on: { click: () => read(row) } });
  say(open, visible(row.title ?? row.id));
  const tags = row.tags.map((tag) => el("li", { class: "tag", "data-kind": tag.kind, title: tag.kind }, tag.label));
  const untagged = el("li", { class: "note" }, row.is_whole ? "no tag" : "too large to be kept here");
  const time = el("time", { datetime: new Date(row.at_s * 1000).toISOString() }, clock(row.at_s));
  const facts = [visible(row.source), row.language, `in ${duration(row.took_s)}`].filter(Boolean).join(" · ");
  const node = el(
    "li",
    { class: "entry" },
    open,
    el("ul", { class: "tags", "aria-label": "Tags" }, tags.length ? tags : untagged),
    el("p", { class: "note" }, time, ` · ${facts}`),
  );
  return { node };
}
