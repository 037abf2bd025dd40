/** Workers: who works, on which partitions, with which definitions. */

import { el, keyed, say, table } from "./dom.js";
import { plural, UNKNOWN } from "./format.js";

/** Return `{node, update}` for an overview and the latest documents. */
export function workers() {
  const shown = table({
    caption: "Workers and their partitions",
    columns: [
      { label: "Worker", wide: true },
      { label: "Group", wide: true },
      { label: "Partitions", wide: true },
      { label: "Definitions seen" },
    ],
    keyOf: ({ at }) => at,
    row,
    empty: "No worker is a member of a group: start one with tagwire worker.",
  });
  const update = (overview, documents) =>
    shown.update(
      overview.workers.map((worker, at) => ({ worker, at: `${worker.group} ${worker.client_id} ${worker.host} ${at}`, documents })),
    );
  return { node: shown.node, update };
}

function row() {
  const [name, group, definitions] = [el("span"), el("span"), el("code")];
  const partitions = el("ul", { class: "partitions" });
  const update = ({ worker, documents }) => {
    say(name, `${worker.client_id} ${worker.host}`);
    say(group, worker.group);
    const owned = Object.entries(worker.partitions);
    const items = owned.length ? owned : [["none: a spare", []]];
    keyed(partitions, items, ([topic, numbers]) => `${topic} ${numbers.join()}`, ([topic, numbers]) => ({
      node: el("li", {}, topic, numbers.map((number) => el("span", { class: "number" }, String(number)))),
    }));
    const versions = taxonomies(worker, documents);
    say(definitions, versions.length ? versions.map((version) => version.slice(0, 12)).join(", ") : UNKNOWN);
    definitions.setAttribute("title", `In ${plural(documents.length, "latest document")}, from its partitions`);
  };
  return { cells: [name, group, partitions, definitions], update };
}

/** Return the versions of the definitions in the latest documents that came from a worker's partitions. */
export function taxonomies(worker, documents) {
  const owned = new Set(
    Object.entries(worker.partitions).flatMap(([topic, numbers]) => numbers.map((number) => `${topic}/${number}`)),
  );
  const newest = new Map();
  for (const { origin, taxonomy_version: version } of documents) {
    const partition = origin.slice(0, origin.lastIndexOf("/"));
    if (owned.has(partition) && !newest.has(partition)) newest.set(partition, version);
  }
  return [...new Set(newest.values())];
}
