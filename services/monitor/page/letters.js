/** Dead letters: by cause, one by one, in full, and on their way back. */

import { ask, path } from "./client.js";
import { el, keyed, say } from "./dom.js";
import { count, moment, plural, visible } from "./format.js";
import { show } from "./modal.js";
import { putBack } from "./redrive.js";
import { isLike, shortlist } from "./shortlist.js";
import { whereLink } from "./where.js";

const FIRST = 10;
const FIRST_CAUSES = 8;

/** Return `{controls, node, counts, update, opener}`; `update` asks for the letters anew, `counts` tells how many there are. */
export function letters(counted) {
  const state = { letters: [], byCause: new Map(), isWritable: false, wanted: () => "" };
  const causes = el("ul", { class: "entries" });
  const { controls, tail, update: show, wanted } = shortlist({
    what: "dead letters",
    hint: "id, reason or message",
    first: FIRST_CAUSES,
    few: 1,
    texts: (cause) => [...textsOf(cause), ...lettersOf(cause, state).flatMap(({ id, position }) => [id, position])],
    show: (shown) => keyed(causes, shown, keyOf, (cause) => causeEntry(cause, state)),
    nth: (place) => causes.children[place],
    none: "None of the latest dead letters is like that.",
    empty: "No dead letter: everything that came in could be processed.",
  });
  state.wanted = wanted;
  const update = async () => {
    const told = await ask("dead-letters");
    state.letters = told.letters;
    state.byCause = Map.groupBy(told.letters, keyOf);
    show(told.causes);
  };
  const counts = ({ dead_letters: told, is_writable: isWritable }) => {
    state.isWritable = isWritable;
    const more = told.is_more ? "at least " : "";
    say(counted, `${more}${count(told.last_hour)} in the last hour, ${more}${count(told.last_day)} in the last day`);
  };
  const opener = (position) => {
    const letter = state.letters.find((each) => each.position === position);
    return letter ? () => read(letter, state) : null;
  };
  return { controls, node: el("div", {}, causes, tail), counts, update, opener };
}

const textsOf = ({ reason, stage, fingerprint, message }) => [reason, stage, fingerprint, message];

const lettersOf = (cause, { byCause }) => byCause.get(keyOf(cause)) ?? [];

const keyOf = ({ reason, stage, fingerprint }) => `${reason} ${stage} ${fingerprint}`;

function causeEntry(first, state) {
  const number = el("strong", { class: "count" });
  const times = el("p", { class: "note" });
  const message = el("p", { class: "message", dir: "auto" });
  const list = el("ul", { class: "letters" });
  const cause = `${first.reason} in ${first.stage}`;
  const more = el("button", { type: "button", class: "more", hidden: true });
  let most = FIRST;
  const fill = () => {
    const all = lettersOf(first, state);
    const found = all.filter(({ id, position }) => isLike([id, position], state.wanted()));
    const mine = found.length ? found : all; // the cause itself is what was looked for
    keyed(list, mine.slice(0, most), ({ position, died }) => `${position} ${died}`, (each) => letterEntry(each, state));
    more.hidden = mine.length <= most;
    say(more, `Show ${mine.length - most} more`);
  };
  more.addEventListener("click", () => {
    most += 10 * FIRST;
    fill();
  });
  const back = () => {
    const wanted = { fingerprints: [first.fingerprint] };
    putBack(`Put back: ${visible(cause)}`, wanted, state.isWritable);
  };
  const details = el("details", { on: { toggle: fill } }, el("summary", {}, "Browse them"), list, more);
  const button = el("button", { type: "button", "aria-label": `Put back ${cause} …`, on: { click: back } }, "Put back …");
  const head = el("p", { class: "name" }, number, " ", el("code", {}, visible(first.reason)), ` in ${visible(first.stage)}`, button);
  const node = el("li", { class: "entry" }, head, message, times, details);
  const update = (told) => {
    say(number, count(told.count));
    say(message, visible(told.message));
    const replayed = told.replayed ? `, ${told.replayed} after they had been put back` : "";
    say(times, `last ${moment(told.last_at_s)}, cause ${told.fingerprint}${replayed}`);
    if (details.open) fill();
  };
  return { node, update };
}

function letterEntry(letter, state) {
  const name = visible(letter.id ?? letter.position);
  const open = el("button", { type: "button", class: "link", dir: "auto", on: { click: () => read(letter, state) } }, name);
  const told = [moment(Date.parse(letter.died) / 1000), letter.position];
  if (letter.replays) told.push(`put back ${plural(letter.replays, "time")} before`);
  return { node: el("li", {}, open, el("span", { class: "note" }, ` ${told.join(" · ")}`)) };
}

async function read(row, state) {
  const name = row.id ?? row.position;
  let letter;
  try {
    letter = await ask(`dead-letters/${path(row.position)}`);
  } catch (error) {
    show(visible(name), el("p", {}, error.message));
    return;
  }
  const pairs = [
    ["reason", `${visible(letter.reason)} in stage ${visible(letter.stage)}`],
    ["message", visible(letter.message)],
    ["died", `${moment(Date.parse(letter.died) / 1000)}, put back ${plural(letter.replays, "time")} before`],
    ["letter", letter.position],
    ["came from", letter.original ? `${visible(letter.original.position)}, ${letter.original.time}` : "not told"],
    ["key", letter.key === null ? "null" : visible(letter.key)],
    ["on its way", row.id ? whereLink(row.id) : null],
    ["exception", letter.exception ? visible(letter.exception) : null],
  ].filter(([, text]) => text !== null);
  const back = () => putBack(`Put back: ${visible(name)}`, { ids: [name] }, state.isWritable);
  const headers = letter.headers.map(([header, value]) => [visible(header), value === null ? "null" : visible(value)]);
  show(
    visible(name),
    [
      list(pairs),
      el("p", {}, el("button", { type: "button", on: { click: back } }, "Put back …")),
      letter.stacktrace ? el("details", { open: true }, el("summary", {}, "Traceback"), raw(letter.stacktrace, "Traceback")) : null,
      el("details", {}, el("summary", {}, `Headers (${headers.length})`), list(headers)),
      el("h3", {}, letter.size_bytes === null ? "Body" : `Start of the body, of ${plural(letter.size_bytes, "byte")}`),
      letter.body_start === null ? el("p", {}, "none: the record's value is null") : raw(letter.body_start, "Start of the body"),
    ].filter(Boolean),
  );
}

const list = (pairs) =>
  el("dl", { class: "pairs" }, pairs.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, text))));

const raw = (text, label) =>
  el("pre", { tabindex: "0", role: "region", "aria-label": label, dir: "auto" }, visible(text));
