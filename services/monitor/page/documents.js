/** The latest documents with their tags; each can be opened and read. */

import { ask } from "./client.js";
import { el, keyed, say } from "./dom.js";
import { clock, duration, visible } from "./format.js";
import { read } from "./reading.js";
import { shortlist } from "./shortlist.js";

const FIRST = 8;

/** Return `{controls, node, update, opener}`; `update` asks for the documents anew. */
export function documents() {
  let all = [];
  const list = el("ul", { class: "entries" });
  const { controls, tail, update: show } = shortlist({
    what: "documents",
    hint: "tag, title or source",
    first: FIRST,
    texts: ({ id, title, source, tags }) => [id, title, source, ...tags.flatMap((tag) => [tag.id, tag.label])],
    show: (rows) => keyed(list, rows, keyOf, entry),
    nth: (place) => list.children[place],
    none: "None of the latest documents is like that.",
    empty: "No document has come out yet.",
  });
  const update = async () => {
    all = (await ask("documents")).documents;
    show(all);
  };
  const opener = (position) => {
    const row = all.find((each) => each.position === position);
    return row?.is_whole ? () => read(row) : null;
  };
  return { controls, node: el("div", {}, list, tail), update, opener };
}

// A topic that was made anew has other records at the same positions.
const keyOf = ({ position, at_s: at }) => `${position} ${at}`;

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
