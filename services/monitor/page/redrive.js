/** Dead letters put back: tried first, sent only when somebody has seen what would happen. */

import { redrive } from "./client.js";
import { el, say, table } from "./dom.js";
import { plural, visible } from "./format.js";
import { show } from "./modal.js";

const FATES = {
  passes: "would pass",
  dies: "would die again",
  overtaken: "would come behind a newer document",
  put_back: "was put back already",
  repeated: "a later letter is of the same record",
  incomplete: "lacks the record itself",
  of_insights: "is of insights: all other readers of its topic would get it once more",
  unknown_topic: "is from no topic that a worker reads",
  max_replays: "was put back too often",
};

// Kept for as long as the page is open, and nowhere else.
let token = "";

/** Open the dialog that puts back what `wanted` names, in the API's words. */
export function putBack(title, wanted, isWritable) {
  if (!isWritable) {
    const variable = el("code", {}, "TAGWIRE_MONITOR_TOKEN");
    const command = el("code", {}, "tagwire dead-letters redrive");
    show(title, el("p", {}, "From here nothing can be changed: the monitor has no token. Start it with ", variable, ", or use ", command, "."));
    return;
  }
  const problem = el("p", { class: "problem", role: "alert" });
  const told = el("div", { role: "status" });
  const input = el("input", { type: "password", id: "token", autocomplete: "off", required: true, value: token });
  const all = el("input", { type: "checkbox", id: "send-all" });
  const attempt = el("button", { type: "submit" }, "Try");
  const send = el("button", { type: "button", class: "primary", disabled: true }, "Put back");
  const fates = fateTable();

  const run = async (isDry) => {
    token = input.value;
    say(problem, "");
    say(told, isDry ? "Trying …" : "Putting back …");
    for (const each of [attempt, send]) each.disabled = true;
    try {
      const report = await redrive(token, { ...wanted, is_dry: isDry, send_all: all.checked });
      told.replaceChildren(...report.summary.map((line) => el("p", {}, visible(line))));
      fates.update(report.candidates.map((candidate, at) => ({ candidate, at })));
      const sendable = report.candidates.filter(({ fate }) => fate === "passes" || (all.checked && (fate === "dies" || fate === "overtaken")));
      say(send, `Put back ${sendable.length}`);
      send.disabled = !isDry || !sendable.length;
    } catch (error) {
      say(told, "");
      say(problem, error.message);
    }
    attempt.disabled = false;
  };
  // What was tried says nothing any more.
  all.addEventListener("change", () => {
    send.disabled = true;
  });
  send.addEventListener("click", () => run(false));
  const submit = (event) => {
    event.preventDefault();
    run(true);
  };
  const form = el(
    "form",
    { class: "form", on: { submit } },
    el("p", {}, "Trying sends nothing: this release processes the letters again and says which would now pass."),
    el("p", {}, el("label", { for: "token" }, "The monitor's token"), input),
    el("p", {}, all, el("label", { for: "send-all" }, " also those that would die again, or come behind a newer document")),
    el("p", { class: "buttons" }, attempt, send),
  );
  show(title, [form, problem, told, fates.node]);
}

function fateTable() {
  const row = ({ candidate }) => {
    const { id, position, replays, fate, now } = candidate;
    const why = now ? `${now.reason}: ${now.message}` : "";
    return { cells: [visible(id), position, FATES[fate] ?? fate, visible(why), plural(replays, "time")] };
  };
  const columns = ["Document", "Letter", "Trial", "Why", "Put back before"].map((label) => ({ label, wide: true }));
  const shown = table({ caption: "What was tried", columns, keyOf: ({ candidate, at }) => `${at} ${candidate.position} ${candidate.fate}`, row, empty: "" });
  shown.update([]);
  return shown;
}
