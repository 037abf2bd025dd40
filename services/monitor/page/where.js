/** Where a document is: a search in the header, its answer in the dialog, and an address that can be passed on. */

import { ask, sentence } from "./client.js";
import { el, say, table } from "./dom.js";
import { duration, moment, visible } from "./format.js";
import { show } from "./modal.js";
import { badgeOf } from "./status.js";

const KINDS = {
  received: "well",
  waiting: "careful",
  clean: "well",
  enriched: "well",
  classified: "well",
  routed: "well",
  "dead letter": "bad",
};
const LONGEST_ID = 512; // the contract's, in code points
const LONGEST_MS = 75000; // the monitor gives up before, and says why
const ADDRESS = /^#where=(.*?)(?:&since=([^&]*))?$/u;

/** Return the address, within this page, of where a document is. */
export function whereabouts(id, since = "") {
  return `#where=${encodeURIComponent(id.toWellFormed())}${since ? `&since=${encodeURIComponent(since)}` : ""}`;
}

/** Return a link that asks where a document is. */
export const whereLink = (id) => el("a", { href: whereabouts(id) }, "where it is, and was");

/**
 * Search for what a form or the page's address asks for.
 *
 * `openers` take a record's position, and return what opens it, or null where the page does not have it.
 * Return `{update}`, to be called when that may have changed.
 */
export function where({ form, id: input, since: select }, openers) {
  let shown = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = input.value.trim();
    const address = whereabouts(id, select.value);
    if (!id) input.focus();
    else if (location.hash === address) begin({ id, since: select.value });
    else location.hash = address;
  });
  window.addEventListener("hashchange", follow);
  follow();
  return { update: () => shown?.update() };

  function follow() {
    const wanted = asked(location.hash);
    if (!wanted) {
      shown?.leave();
      return;
    }
    input.value = wanted.id;
    select.value = wanted.since;
    begin(wanted);
  }

  function begin({ id, since }) {
    const leaving = new AbortController();
    const told = el("p", { role: "status" });
    const problem = el("p", { class: "problem", role: "alert" });
    const stops = stopTable(openers);
    const onClose = () => {
      leaving.abort();
      if (shown !== own) return; // the next search has begun, and has an address of its own
      shown = null;
      if (asked(location.hash)) history.replaceState(null, "", location.pathname + location.search);
    };
    const own = { update: stops.update };
    shown = own;
    own.leave = show(`Where is ${visible(id)}?`, [told, problem, stops.node], { onClose });
    say(told, "Searching what Kafka keeps … To close this ends the search.");
    search({ id, since }, leaving.signal).then(
      (found) => {
        if (leaving.signal.aborted) return;
        say(told, `${visible(found.summary)} (${duration(found.took_s)}).`);
        stops.fill(found.stops);
      },
      (error) => {
        if (leaving.signal.aborted) return;
        say(told, "");
        say(problem, sentence(error));
      },
    );
  }
}

function asked(hash) {
  const found = ADDRESS.exec(hash);
  return found && found[1] ? { id: decoded(found[1]), since: decoded(found[2] ?? "") } : null;
}

/** Undo the encoding of an address; one written by hand may have none, and a sign of percent for itself. */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/giu, "%25"));
  } catch {
    return text;
  }
}

async function search({ id, since }, signal) {
  const length = Array.from(id).length;
  if (length > LONGEST_ID) throw new Error(`An id has at most ${LONGEST_ID} characters; this one has ${length}.`);
  return ask(`where?${new URLSearchParams({ id, since })}`, { signal, timeout: LONGEST_MS });
}

function stopTable(openers) {
  const opener = (stop) => openers.map((each) => each(stop.position)).find(Boolean);
  const row = ({ stop, after }) => {
    const time = el("time", { datetime: new Date(stop.at_s * 1000).toISOString() }, moment(stop.at_s));
    const open = el("button", { type: "button", "aria-label": `Open ${stop.position}`, on: { click: () => opener(stop)?.() } }, "Open");
    const update = () => {
      open.hidden = !opener(stop);
    };
    const since = after === null ? null : el("span", { class: "note", title: "after the record before" }, ` +${duration(after)}`);
    const message = el("p", { class: "message", dir: "auto" }, visible(stop.message));
    return {
      cells: [
        el("span", { class: "time" }, time, since),
        badgeOf(stop.verdict, KINDS[stop.verdict]),
        el("code", {}, stop.topic),
        String(stop.partition),
        String(stop.offset),
        open,
        stop.message ? message : "",
      ],
      update,
    };
  };
  const shown = table({
    caption: "The document's records, the oldest first",
    columns: [
      { label: "Time" },
      { label: "Verdict" },
      { label: "Topic" },
      { label: "Partition", number: true },
      { label: "Offset", number: true },
      { label: "Open", plain: true },
      { label: "What is known", wide: true },
    ],
    keyOf: ({ stop }) => stop.position,
    row,
    empty: "",
  });
  let items = [];
  const update = () => shown.update(items);
  const fill = (stops) => {
    items = stops.map((stop, at) => ({ stop, after: at ? stop.at_s - stops[at - 1].at_s : null }));
    update();
  };
  update();
  shown.node.classList.add("stops");
  return { node: shown.node, fill, update };
}
