/** One document to read: its tags, the words that earned them, and what was dropped. */

import { ask, path } from "./client.js";
import { attribute, el, table } from "./dom.js";
import { marked, signed, spansIn } from "./evidence.js";
import { duration, moment, visible, webAddress } from "./format.js";
import { show } from "./modal.js";
import { whereLink } from "./where.js";

/** Open a document of the list. */
export async function read(row) {
  let document;
  try {
    document = await ask(`documents/${path(row.position)}`);
  } catch (error) {
    show(visible(row.title ?? row.id), el("p", {}, error.message));
    return;
  }
  const text = el("article", { class: "reading", dir: "auto", lang: document.language });
  const tags = document.tags ?? [];
  const draw = (chosen) => text.replaceChildren(...body(document, chosen ? [chosen] : tags));
  draw(null);
  const nodes = [
    choice(tags, draw),
    el("div", { class: "halves" }, text, el("div", {}, tags.map(earned))),
    facts(document, row),
    dropped(document.removed ?? []),
  ];
  show(visible(document.title ?? document.id), nodes.filter(Boolean));
}

function facts(document, row) {
  const address = webAddress(document.url);
  const link = { href: address, target: "_blank", rel: "noopener noreferrer" };
  const told = [
    ["id", visible(document.id)],
    ["source", visible(document.source)],
    ["address", address ? el("a", link, visible(document.url)) : visible(document.url)],
    ["language", document.language],
    ["published", document.published_at ? moment(Date.parse(document.published_at.value) / 1000) : null],
    ["classified", `${moment(row.at_s)}, ${duration(row.took_s)} after it came in`],
    ["record", row.position],
    ["came from", row.origin],
    ["on its way", whereLink(document.id)],
    ["definitions", document.taxonomy_version.slice(0, 12)],
    ["release", document.pipeline_version],
  ];
  const shown = told.filter(([, value]) => value);
  return el("dl", { class: "pairs" }, shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function body(document, tags) {
  const field = (name, text, node) => {
    node.append(...marked(text, spansIn(name, tags)));
    return node;
  };
  const nodes = [];
  if (document.title) nodes.push(field("title", document.title, el("h3", { dir: "auto" })));
  const highlights = document.highlights ?? [];
  if (highlights.length) {
    const item = (each, at) => field(`highlights[${at}]`, each, el("li", { dir: "auto" }));
    nodes.push(el("ul", {}, highlights.map(item)));
  }
  if (document.dateline?.place) {
    nodes.push(field("dateline", document.dateline.place, el("p", { class: "dateline", dir: "auto" })));
  }
  nodes.push(field("text", document.text, el("div", { class: "text", dir: "auto" })));
  return nodes;
}

function choice(tags, draw) {
  if (!tags.length) return el("p", { class: "note" }, "It has earned no tag.");
  const choose = (chosen) => {
    draw(chosen.tag);
    for (const { node, tag } of buttons) attribute(node, "aria-pressed", String(tag === chosen.tag));
  };
  const buttons = [null, ...tags].map((tag) => {
    const on = { click: () => choose({ tag }) };
    const pressed = String(tag === null);
    const properties = { type: "button", class: "tag", "data-kind": tag?.kind, "aria-pressed": pressed, on };
    return { tag, node: el("button", properties, tag ? tag.label : "all") };
  });
  const label = "Evidence to highlight";
  return el("div", { class: "tags", role: "group", "aria-label": label }, el("span", { class: "note" }, "Highlight"), buttons.map(({ node }) => node));
}

function earned(tag) {
  const share = (number) => `${Math.round(number * 100)} %`;
  const about = `${tag.kind}, relevance ${share(tag.relevance)}, confidence ${share(tag.confidence)}`;
  const title = el("h3", {}, el("span", { class: "tag", "data-kind": tag.kind }, tag.label));
  return el("section", { class: "earned" }, title, el("p", { class: "note" }, about), evidenceTable(tag));
}

function evidenceTable(tag) {
  const shown = table({
    caption: `Evidence of ${tag.label}`,
    columns: [{ label: "Words", wide: true }, { label: "Where" }, { label: "Rule", wide: true }, { label: "Points", number: true }],
    keyOf: ({ at }) => at,
    row: ({ evidence }) => ({
      cells: [
        el("q", { dir: "auto" }, visible(evidence.term)),
        `${evidence.field} ${evidence.start}`,
        visible(evidence.signal),
        signed(evidence.points),
      ],
    }),
    empty: "",
  });
  shown.update(tag.evidence.map((evidence, at) => ({ evidence, at })));
  return shown.node;
}

function dropped(removed) {
  if (!removed.length) return null;
  const item = ({ reason, text, tags_only_here: tags = [] }) =>
    el(
      "li",
      {},
      el("strong", {}, reason),
      " ",
      el("q", { dir: "auto" }, visible(text)),
      tags.length ? ` alone would have earned ${tags.join(", ")}` : "",
    );
  return el("details", {}, el("summary", {}, `What cleaning has dropped (${removed.length})`), el("ul", {}, removed.map(item)));
}
