/** Stories: which documents are one report, the largest first; and the story of any document. */

import { ask } from "./client.js";
import { el, keyed, say, table } from "./dom.js";
import { clock, moment, plural, visible } from "./format.js";
import { show } from "./modal.js";
import { whereLink } from "./where.js";

const FIRST = 5;
const DAY_S = 86400;

/** Return `{controls, node, update}`; `update` takes what the API tells of stories. */
export function stories() {
  const input = el("input", { type: "search", id: "story-id", required: true, placeholder: "a document’s id", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    if (input.value.trim()) read(input.value.trim());
  };
  const form = el("form", { class: "ask", on: { submit } }, el("label", { for: "story-id" }, "Story of"), input, el("button", { type: "submit" }, "Show"));
  const list = el("ul", { class: "entries" });
  const nothing = el("p", { class: "note" }, "No two documents are one story yet.");
  const more = el("button", { type: "button", on: { click: () => draw({ most: Infinity }) } });
  const all = el("p", { class: "note" });
  const state = { found: [], most: FIRST };
  const draw = (change) => {
    Object.assign(state, change);
    keyed(list, state.found.slice(0, state.most), ({ id }) => id, entry);
    nothing.hidden = state.found.length > 0;
    more.hidden = state.found.length <= state.most;
    say(more, `Show ${state.found.length - state.most} more`);
  };
  const update = (told) => {
    draw({ found: told.stories });
    say(all, `${plural(told.story_count, "story", "stories")} of ${plural(told.document_count, "document")}`);
    all.hidden = !told.story_count;
  };
  draw({});
  return { controls: [form], node: el("div", {}, list, nothing, more, all), update };
}

function entry({ id }) {
  const open = el("button", { type: "button", class: "link title", dir: "auto", on: { click: () => read(id) } });
  const about = el("p", { class: "note" });
  const update = (row) => {
    say(open, visible(row.title ?? row.id));
    const many = `${plural(row.documents, "document")} of ${plural(row.sources, "source")}`;
    say(about, `${many} · ${range(row)} · first by ${visible(row.source)}`);
  };
  return { node: el("li", { class: "entry" }, open, about), update };
}

/** Show the story of a document in the dialog. */
async function read(id) {
  let story;
  try {
    story = await ask(`stories/${encodeURIComponent(id.toWellFormed())}`);
  } catch (error) {
    show(`Story of ${visible(id)}`, [el("p", { role: "alert" }, visible(error.message)), el("p", {}, whereLink(id))]);
    return;
  }
  const many = `${plural(story.documents, "document")} of ${plural(story.sources, "source")} are one story, ${range(story)}.`;
  const cut = story.is_more ? el("p", { class: "note" }, `${plural(story.members.length, "document")} are shown; the others are no longer kept, or too many.`) : null;
  show(visible(story.title ?? story.id), [el("p", {}, many), cut, members(story, id)].filter(Boolean));
}

function members(story, asked) {
  const numbers = new Map(story.members.map(({ id }, at) => [id, at + 1]));
  const shown = table({
    caption: "Its documents, the earliest first",
    columns: [
      { label: "No.", number: true },
      { label: "Time" },
      { label: "Like" },
      { label: "Source" },
      { label: "Document", wide: true, plain: true },
    ],
    keyOf: ({ id }) => id,
    row: (member) => {
      const title = visible(member.title ?? member.id);
      const name = member.id === asked ? el("strong", { dir: "auto" }, title) : el("span", { dir: "auto" }, title);
      return {
        cells: [
          String(numbers.get(member.id)),
          moment(member.at_s),
          likeness(member, numbers),
          el("span", { dir: "auto", class: "isolated" }, visible(member.source)),
          el("div", {}, el("p", { class: "isolated" }, name), el("p", { class: "note" }, el("code", { dir: "auto" }, visible(member.id)), " · ", whereLink(member.id))),
        ],
      };
    },
    empty: "",
  });
  shown.update(story.members);
  return shown.node;
}

function likeness({ duplicate_of: of, similarity }, numbers) {
  if (of === null) return "first of its kind";
  const share = similarity === null ? "much" : `${Math.floor(similarity * 100 + 1e-9)}\u00a0%`;
  return `${share} like ${numbers.has(of) ? `no.\u00a0${numbers.get(of)}` : visible(of)}`;
}

const range = ({ first_at_s: first, last_at_s: last }) =>
  `${moment(first)} to ${last - first < DAY_S ? clock(last) : moment(last)}`;
