/** Trends: which tags burst now, and how a tag came to where it is. */

import { ask } from "./client.js";
import { el, keyed, say, table } from "./dom.js";
import { clock, count, duration, moment, plural, visible } from "./format.js";
import { show } from "./modal.js";
import { fit, series } from "./series.js";
import { badgeOf } from "./status.js";
import { whereLink, whereabouts } from "./where.js";

const EXAMPLES = 3;
const SPARK = { width: 280, height: 40 };
const LARGE = { width: 1040, height: 240 };
const TABLE_ROWS = 24;
const MINUTE_S = 60;
const STATES = {
  started: ["goes on", "careful"],
  grew: ["goes on", "careful"],
  ended: ["over", "idle"],
  withdrawn: ["withdrawn", "idle"],
};

/** Return `{controls, node, update}`; `update` takes what the API tells of trends. */
export function trends() {
  const input = el("input", { type: "search", id: "trend-tag", required: true, placeholder: "libya", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    open(input.value.trim().toLowerCase());
  };
  const form = el("form", { class: "ask", on: { submit } }, el("label", { for: "trend-tag" }, "Tag"), input, el("button", { type: "submit" }, "Show"));
  const list = el("ul", { class: "entries" });
  const nothing = el("p", { class: "note" });
  const ended = el("ul", { class: "letters" });
  const summary = el("summary");
  const over = el("details", {}, summary, ended);
  const node = el("div", {}, list, nothing, over);
  const update = (told) => {
    keyed(list, told.bursting, ({ tag }) => tag, entry);
    nothing.hidden = told.bursting.length > 0;
    const at = told.at_s ? ` as of ${moment(told.at_s)}` : "";
    say(nothing, `No tag bursts${at}; ${plural(told.tags, "tag")} ${told.tags === 1 ? "is" : "are"} counted.`);
    over.hidden = !told.ended.length;
    say(summary, `Over (${told.ended.length})`);
    keyed(ended, told.ended, ({ id }) => id, endedEntry);
  };
  return { controls: [form], node, update };
}

function entry({ tag }) {
  const name = el("button", { type: "button", class: "link title", on: { click: () => open(tag) } }, tag);
  const line = el("span", { class: "line" });
  const why = el("p");
  const documents = el("ul", { class: "examples", "aria-label": `Documents that made ${tag} burst` });
  const since = el("p", { class: "note" });
  const head = el("div", { class: "burst" }, name, line);
  const update = (told) => {
    line.replaceChildren(series(told, { ...SPARK, label: words(told) }));
    say(why, told.why);
    say(since, `since ${moment(told.burst.started_at_s)}, as of ${clock(told.at_s)}`);
    keyed(documents, told.burst.examples.slice(0, EXAMPLES), ({ id }) => id, example);
  };
  return { node: el("li", { class: "entry" }, head, why, documents, since), update };
}

function example({ id, title, source, at_s: at }) {
  const link = el("a", { href: whereabouts(id), dir: "auto", title: "where it is, and was" }, visible(title ?? id));
  return { node: el("li", {}, link, el("span", { class: "note" }, ` ${visible(source)} · ${clock(at)}`)) };
}

function endedEntry({ tag, why, started_at_s: from, at_s: until }) {
  const name = el("button", { type: "button", class: "link", on: { click: () => open(tag) } }, tag);
  return { node: el("li", {}, name, el("span", { class: "note" }, ` ${moment(from)} to ${clock(until)} · ${why}`)) };
}

/** Show a tag's history in the dialog. */
async function open(tag) {
  let told;
  try {
    told = await ask(`trends/${encodeURIComponent(tag.toWellFormed())}`);
  } catch (error) {
    show(visible(tag), el("p", { role: "alert" }, visible(error.message)));
    return;
  }
  const width = Math.min(LARGE.width, Math.max(280, innerWidth - 60));
  const documents = told.bursts.find(({ event, examples }) => event !== "withdrawn" && examples.length)?.examples ?? [];
  show(
    tag,
    [
      el("p", {}, `${told.burst ? "It bursts" : "It does not burst"}: ${told.why}, as of ${moment(told.at_s)}.`),
      el("div", { class: "figure" }, series(told, { ...LARGE, width, label: words(told), hasAxes: true })),
      el("p", { class: "note" }, el("span", { class: "key bars-key" }), "stories ", el("span", { class: "key line-key" }), "expected"),
      el("details", {}, el("summary", {}, "The same as a table"), numbers(told)),
      el("h3", {}, "Its bursts"),
      bursts(told),
      ...(documents.length ? [el("h3", {}, "Documents of the last one"), el("ul", { class: "letters" }, documents.map(member))] : []),
    ],
  );
}

function member({ id, title, source, at_s: at }) {
  const about = el("span", { class: "note" }, ` ${visible(source)} · ${moment(at)} · `, whereLink(id));
  return el("li", {}, el("span", { dir: "auto", class: "isolated" }, visible(title ?? id)), about);
}

function bursts({ tag, bursts: all }) {
  const shown = table({
    caption: `Bursts of ${tag}, the latest first`,
    columns: [
      { label: "From" },
      { label: "To" },
      { label: "State" },
      { label: "Stories", number: true },
      { label: "Expected", number: true },
      { label: "As it was told last", wide: true, plain: true },
    ],
    keyOf: ({ id }) => id,
    row: (burst) => ({
      cells: [moment(burst.started_at_s), ["ended", "withdrawn"].includes(burst.event) ? moment(burst.at_s) : "", badgeOf(...STATES[burst.event]), count(burst.peak_stories), tenth(burst.expected), burst.why],
    }),
    empty: "None is kept.",
  });
  shown.update(all);
  return shown.node;
}

function numbers({ tag, at_s: end, interval_s: interval, stories, expected }) {
  const [told, hoped] = [fit(stories, TABLE_ROWS), fit(expected, TABLE_ROWS)];
  const shared = stories.length ? Math.ceil(stories.length / TABLE_ROWS) || 1 : 1;
  const length = shared * interval;
  const rows = told.map((mean, at) => ({ at: end - (told.length - at) * length, stories: mean * shared, expected: hoped[at] * shared }));
  const shown = table({
    caption: `Stories of ${tag}, in ${duration(Math.max(length, MINUTE_S))} each, the latest first`,
    columns: [{ label: "From" }, { label: "Stories", number: true }, { label: "Expected", number: true }],
    keyOf: ({ at }) => at,
    row: (row) => ({ cells: [moment(row.at), count(row.stories), tenth(row.expected)] }),
    empty: "Nothing was counted yet.",
  });
  shown.update(rows.toReversed());
  return shown.node;
}

const tenth = (number) => String(Math.round(number * 10) / 10);

function words({ tag, stories, interval_s: interval, why }) {
  return `${tag} over ${duration(interval * stories.length)}: ${why}; at most ${plural(Math.max(0, ...stories), "story", "stories")} in ${duration(interval)}`;
}
