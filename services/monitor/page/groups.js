/** Consumer groups: how each stands and why, its lag of late, and its partitions. */

import { ask, path } from "./client.js";
import { spark } from "./chart.js";
import { el, say, table } from "./dom.js";
import { count, duration, plural, rate, UNKNOWN } from "./format.js";
import { show } from "./modal.js";
import { shortlist } from "./shortlist.js";
import { badge, severity } from "./status.js";

const SPARK_POINTS = 120;
const FIRST = 20;

/**
 * Return `{controls, node, update, redraw}` for an overview; `history` gives a group's points, oldest first.
 *
 * `onShown` is told the names of the groups that can be seen, each time.
 */
export function groups(history, onShown) {
  const columns = [
    { label: "Status", plain: true, wide: true },
    { label: "Group", wide: true, plain: true },
    { label: "Lag", number: true },
    { label: "Waiting", number: true },
    { label: "Reads", number: true },
    { label: "Lag of late", plain: true, wide: true },
    { label: "Why", wide: true, plain: true },
    { label: "Partitions", plain: true },
  ];
  const shown = table({
    caption: "Consumer groups, the worst first",
    columns,
    keyOf: (group) => group.name,
    row: (group) => row(group, history),
    empty: "",
  });
  let seen = [];
  const { controls, tail, update } = shortlist({
    what: "groups",
    hint: "group, topic or status",
    first: FIRST,
    few: FIRST,
    texts: ({ name, topics, status }) => [name, status, ...topics],
    show: (rows) => {
      seen = rows;
      shown.update(rows);
      onShown(rows.map(({ name }) => name));
    },
    nth: (place) => shown.node.querySelector("tbody").children[place],
    none: "No group is like that.",
    empty: "No group reads a topic of tagwire's.",
  });
  const node = el("div", {}, shown.node, tail);
  return { controls, node, update: (overview) => update(overview.groups), redraw: () => shown.update(seen) };
}

function row({ name }, history) {
  const status = badge();
  const about = el("span", { class: "note" });
  const [lag, waiting, pace, why, line] = [el("span"), el("span"), el("span"), el("span"), el("span", { class: "line" })];
  const more = el("button", { type: "button", on: { click: () => open(name) } });
  const cells = [status.node, el("span", {}, el("strong", {}, name), " ", about), lag, waiting, pace, line, why, more];
  const update = (group) => {
    status.update(group.status);
    say(about, group.is_ours ? group.stages.join(" → ") : `reads ${group.topics.join(", ")}`);
    say(lag, count(group.lag));
    say(waiting, duration(group.lag_seconds));
    say(pace, rate(group.rate));
    say(why, group.why);
    say(more, "Partitions");
    more.setAttribute("aria-label", `Partitions of ${name}`);
    const points = history(name).slice(-SPARK_POINTS).map((point) => ({ at: point.at_s, value: point.lag }));
    line.replaceChildren(spark(points, told(points)));
  };
  return { cells, update };
}

function told(points) {
  if (!points.length) return "no lag seen yet";
  const most = Math.max(...points.map(({ value }) => value));
  return `lag now ${count(points.at(-1).value)}, at most ${count(most)} in ${duration(points.at(-1).at - points[0].at)}`;
}

const EVERY_MS = 2000;

async function open(name) {
  const summary = el("p", { class: "why" });
  const shown = table({
    caption: `Partitions of ${name}`,
    columns: [
      { label: "Status", plain: true, wide: true },
      { label: "Partition", wide: true, plain: true },
      { label: "Committed", number: true },
      { label: "End", number: true },
      { label: "Lag", number: true },
      { label: "Waiting", number: true },
      { label: "Member", wide: true },
      { label: "Why", wide: true },
    ],
    keyOf: (each) => `${each.topic}/${each.partition}`,
    row: partitionRow,
    empty: "It has committed nothing, and has no partition.",
  });
  const update = async () => {
    try {
      const group = await ask(`groups/${path(name)}`);
      say(summary, `${group.state}, ${plural(group.members, "member")}: ${group.why}`);
      shown.update(group.partitions);
    } catch (error) {
      say(summary, error.message);
    }
  };
  const timer = setInterval(update, EVERY_MS);
  show(name, [summary, shown.node], { onClose: () => clearInterval(timer) });
  await update();
}

function partitionRow(first) {
  const status = badge();
  const [committed, end, lag, waiting, member, why] = Array.from({ length: 6 }, () => el("span"));
  const cells = [status.node, `${first.topic} ${first.partition}`, committed, end, lag, waiting, member, why];
  const update = (each) => {
    status.update(each.status);
    say(committed, count(each.committed));
    say(end, count(each.end) + (each.blocked ? ` (${count(each.blocked)} blocked)` : ""));
    say(lag, count(each.lag));
    say(waiting, duration(each.lag_seconds));
    say(member, each.owner ? `${each.owner.client_id} ${each.owner.host}` : UNKNOWN);
    say(why, each.why);
  };
  return { cells, update };
}

/** Return sentences on what has changed between two overviews, for those who listen. */
export function changes(before, now) {
  const were = new Map(before.groups.map((group) => [group.name, group]));
  return now.groups
    .filter((group) => were.has(group.name) && were.get(group.name).status !== group.status)
    .filter((group) => severity(were.get(group.name).status) !== severity(group.status))
    .map((group) => `${group.name} is now ${group.status}: ${group.why}`);
}
