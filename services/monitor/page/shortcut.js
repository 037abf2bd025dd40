/**
 * The key that leads to the search. It can be switched off, and stays so in this browser: who speaks to a machine, or
 * presses keys by accident, is not led away by a single one (WCAG 2.2, 2.1.4).
 */

import { attribute } from "./dom.js";

const KEY = "/";
const KEPT = "tagwire.shortcut";
const OFF = "off";

/** Lead from the key to an input while a box is checked; `hints` tell of the key, and are hidden otherwise. */
export function shortcut(input, box, hints) {
  const tell = () => {
    attribute(input, "aria-keyshortcuts", box.checked ? KEY : null);
    attribute(input, "title", box.checked ? `Press ${KEY} to come here` : null);
    for (const hint of hints) hint.hidden = !box.checked;
  };
  box.checked = kept() !== OFF;
  tell();
  box.addEventListener("change", () => {
    keep(box.checked ? "on" : OFF);
    tell();
  });
  document.addEventListener("keydown", (event) => {
    const isTaken = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, dialog");
    if (!box.checked || event.key !== KEY || event.ctrlKey || event.metaKey || event.altKey || isTaken) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

// A browser may be told to keep nothing: then it is for as long as the page is open.
function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // as above
  }
}
