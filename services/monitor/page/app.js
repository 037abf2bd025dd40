/** The page: told of each look by the monitor, it keeps every part up to date. */

import { follow } from "./client.js";
import { attribute, el, say } from "./dom.js";
import { documents } from "./documents.js";
import { duration, plural } from "./format.js";
import { changes, groups } from "./groups.js";
import { histories } from "./histories.js";
import { insights } from "./insights.js";
import { journey } from "./journey.js";
import { lag } from "./lag.js";
import { letters } from "./letters.js";
import { shortcut } from "./shortcut.js";
import { legend, severity } from "./status.js";
import { where } from "./where.js";
import { workers } from "./workers.js";

const TICK_MS = 1000;
const MOST_SENTENCES = 2;

const at = (id) => document.getElementById(id);
const state = { overview: null, shown: null, heardAt: 0, changes: null, problem: null };
const past = histories();

const parts = {
  journey: journey(),
  groups: groups(past.of, (names) => recall(names, () => parts.groups.redraw())),
  lag: lag(past.of, (name) => recall([name], () => parts.lag.redraw())),
  documents: documents(),
  letters: letters(at("letter-count")),
  workers: workers(),
  insights: insights(at),
};
const search = { form: at("where"), id: at("where-id"), since: at("where-since") };
shortcut(search.id, at("where-shortcut"), [at("where-key")]);
parts.where = where(search, [parts.documents.opener, parts.letters.opener]);

at("journey").append(parts.journey.node);
at("group-controls").append(...parts.groups.controls);
at("group-table").append(parts.groups.node);
at("lag-controls").append(...parts.lag.controls);
at("lag-chart").append(parts.lag.node);
at("document-controls").append(...parts.documents.controls);
at("document-list").append(parts.documents.node);
at("letter-controls").append(...parts.letters.controls);
at("letter-list").append(parts.letters.node);
at("worker-table").append(parts.workers.node);
legend(at("legend"));

follow({ onOverview, onFailure });
setInterval(showAge, TICK_MS);

async function onOverview(overview) {
  Object.assign(state, { overview, heardAt: performance.now(), problem: overview.problem });
  past.take(overview);
  showVerdict(overview, state.shown);
  state.shown = overview;
  parts.journey.update(overview);
  parts.groups.update(overview);
  parts.lag.update(overview);
  parts.letters.counts(overview);
  say(at("others"), othersOf(overview.others));
  await parts.insights.update(overview.insights);
  if (overview.changes !== state.changes) {
    state.changes = overview.changes;
    await Promise.all([parts.documents.update(), parts.letters.update()]).catch(() => {
      state.changes = null; // asked again at the next look
    });
    parts.where.update();
  }
  parts.workers.update(overview);
  document.body.dataset.ready = "true";
}

function onFailure(sentence) {
  state.problem = sentence;
  if (!state.overview) say(at("verdict"), "Nothing is known yet");
  showBanner();
}

/** Ask for the past of groups that are seen now, and draw them again when it is known. */
async function recall(names, redraw) {
  if (await past.fill(names)) redraw();
}

function showVerdict(overview, before) {
  const missing = overview.topics.filter(({ exists }) => !exists);
  const wrong = overview.groups.filter((group) => ["careful", "bad"].includes(severity(group.status)));
  const sentences = [
    ...wrong.toSorted((a, b) => b.is_ours - a.is_ours).map(({ name, status }) => `${name} is ${status}`),
    ...(missing.length ? [`${plural(missing.length, "topic")} missing`] : []),
    ...Object.entries(overview.errors).map(([what, why]) => `${what} could not be read: ${why}`),
  ];
  // What others do badly is no fault of the installation, and worth a look all the same.
  const well = sentences.length ? "tagwire is well, not all who read it" : "All is well";
  const more = sentences.length > MOST_SENTENCES ? [`and ${sentences.length - MOST_SENTENCES} more`] : [];
  const told = [overview.is_well ? well : "Something is wrong", ...sentences.slice(0, MOST_SENTENCES), ...more];
  say(at("verdict"), told.join(" · "));
  const isCareful = overview.is_well && sentences.length > 0;
  attribute(at("verdict"), "data-severity", isCareful ? "careful" : overview.is_well ? "well" : "bad");
  say(at("cluster"), `cluster ${overview.cluster},`);
  document.title = `${overview.is_well ? "" : "⚠ "}tagwire · ${overview.cluster}`;
  if (before) {
    const news = changes(before, overview);
    if (before.is_well !== overview.is_well) news.unshift(told[0]);
    if (news.length) at("news").replaceChildren(...news.map((text) => el("p", {}, text)));
  }
  showBanner();
  showAge();
}

function showBanner() {
  const banner = at("banner");
  banner.hidden = !state.problem;
  // An alert is read aloud each time that it is written.
  say(banner, state.problem ? `What you see may be old: ${state.problem}` : "");
}

function showAge() {
  if (!state.overview) return;
  const age = state.overview.age_s + (performance.now() - state.heardAt) / 1000;
  say(at("looked"), `looked ${duration(Math.floor(age))} ago, every ${duration(state.overview.interval_s)}`);
  attribute(at("looked"), "data-late", age > 3 * state.overview.interval_s + 5);
}

function othersOf({ groups: number, by_status: statuses }) {
  if (!number) return "";
  const wrong = Object.entries(statuses).filter(([status]) => ["careful", "bad"].includes(severity(status)));
  const trouble = wrong.reduce((sum, [, many]) => sum + many, 0);
  return `${plural(number, "more group")} read none of these topics${trouble ? `, ${trouble} of them in trouble` : ""}`;
}
