/** The one dialog of the page: a title, whatever is to be read, and a way out. */

import { el, say } from "./dom.js";

const title = el("h2", { id: "modal-title", tabindex: "-1" });
const body = el("div", { class: "modal-body" });
const close = el("button", { type: "button", class: "close", "aria-label": "Close", on: { click: () => node.close() } }, "×");
const node = el(
  "dialog",
  { class: "modal", "aria-labelledby": "modal-title" },
  el("div", { class: "modal-head" }, title, close),
  body,
);
let opener = null;
let ended = () => {};

node.addEventListener("close", () => {
  ended();
  ended = () => {};
  body.replaceChildren();
  // What opened it may have gone meanwhile.
  (opener?.isConnected ? opener : document.getElementById("main")).focus();
});
// A click beside it closes it.
node.addEventListener("click", (event) => event.target === node && node.close());
document.body.append(node);

/**
 * Show nodes under a title, and return what closes the dialog if it shows them still.
 *
 * `onClose` is called once, when it is left or something else is shown.
 */
export function show(heading, nodes, { onClose = () => {} } = {}) {
  ended();
  ended = onClose;
  if (!node.open) opener = document.activeElement;
  say(title, heading);
  body.replaceChildren(...[nodes].flat());
  body.scrollTop = 0;
  if (!node.open) node.showModal();
  title.focus();
  return () => node.open && ended === onClose && node.close();
}
