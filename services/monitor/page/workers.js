/** Workers: who works, on which partitions, with which definitions, and who is silent. */

import { attribute, el, keyed, say, table } from "./dom.js";
import { duration, UNKNOWN, visible, webAddress } from "./format.js";

/** Return `{node, update}` for an overview. */
export function workers() {
  const shown = table({
    caption: "Workers and their partitions",
    columns: [
      { label: "Worker", wide: true },
      { label: "Group", wide: true },
      { label: "Partitions", wide: true },
      { label: "Definitions" },
      { label: "Version" },
      { label: "Up for", number: true },
      { label: "Heartbeat", number: true },
    ],
    keyOf: ({ at }) => at,
    row,
    empty: "No worker is a member of a group: start one with tagwire worker.",
  });
  const keyOf = ({ heartbeat, client_id: id, host }, at) => (heartbeat ? id : `${id} ${host} ${at}`);
  const update = ({ workers: found }) => shown.update(found.map((worker, at) => ({ worker, at: keyOf(worker, at) })));
  return { node: shown.node, update };
}

function row() {
  const [group, version, up, heard] = Array.from({ length: 4 }, () => el("span"));
  const [name, silence, definitions] = [el("span"), el("p", { class: "silence" }), el("code")];
  const partitions = el("ul", { class: "partitions" });
  const update = ({ worker }) => {
    const told = worker.heartbeat;
    keyed(name, [worker], () => told?.http_address ?? "", () => named(told?.http_address));
    say(name.firstChild, visible(told ? `${told.host}:${told.pid}` : `${worker.client_id} ${worker.host}`));
    attribute(name, "title", told ? worker.client_id : null);
    say(silence, told?.why ?? "");
    silence.hidden = !told?.is_silent;
    say(group, worker.group);
    keyed(partitions, owned(worker), ([topic, state, numbers]) => `${topic} ${state} ${numbers.join()}`, partition);
    say(definitions, told ? visible(told.taxonomy_version.slice(0, 12)) : UNKNOWN);
    attribute(definitions, "title", told ? told.taxonomy_version : "It says nothing of itself");
    say(version, told ? visible(told.tagwire_version) : UNKNOWN);
    attribute(version, "title", told ? `pipeline ${told.pipeline_version}` : null);
    say(up, duration(told ? Math.floor(told.uptime_s) : null));
    say(heard, told ? `${duration(Math.floor(told.age_s))} ago` : UNKNOWN);
  };
  return { cells: [el("div", {}, name, silence), group, partitions, definitions, version, up, heard], update };
}

/** Return what a worker's name is written into: a link, where it serves something. */
function named(address) {
  const url = address && webAddress(address);
  return { node: url ? el("a", { href: new URL("healthz", url).href, rel: "noreferrer" }) : el("span") };
}

/** Return its partitions as `[topic, state, numbers]`, by the state that it says they are in. */
export function owned({ partitions, heartbeat }) {
  const states = Object.entries(heartbeat && !heartbeat.is_silent ? heartbeat.states : {});
  const found = Object.entries(partitions).flatMap(([topic, numbers]) => {
    const told = states.map(([state, inState]) => [topic, state, numbers.filter((number) => inState.includes(number))]);
    const rest = numbers.filter((number) => !states.some(([, inState]) => inState.includes(number)));
    return [...told, [topic, "", rest]].filter(([, , some]) => some.length);
  });
  return found.length ? found : [[heartbeat?.is_silent ? "none" : "none: a spare", "", []]];
}

function partition([topic, state, numbers]) {
  const told = state && state !== "running" ? ` ${state.replaceAll("_", " ")}` : "";
  const chips = numbers.map((number) => el("span", { class: "number" }, String(number)));
  return { node: el("li", {}, topic, chips, told) };
}
