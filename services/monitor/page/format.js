/** Numbers, times and texts as people read them. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTH = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** What is not known. */
export const UNKNOWN = "–";

export const count = (number) => (number === null || number === undefined ? UNKNOWN : WHOLE.format(number));

export const rate = (number) =>
  number === null || number === undefined ? UNKNOWN : `${(number < 100 ? TENTH : WHOLE).format(number)}/s`;

/** Seconds as one or two units: `0.4 s`, `2 min 5 s`, `3 d 4 h`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 60) return `${seconds < 10 ? TENTH.format(seconds) : WHOLE.format(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return units(whole, 60, "min", 1, "s");
  return whole < 86400 ? units(whole, 3600, "h", 60, "min") : units(whole, 86400, "d", 3600, "h");
}

function units(seconds, large, name, small, smallName) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${name}${rest ? ` ${rest} ${smallName}` : ""}`;
}

export const clock = (seconds) => CLOCK.format(new Date(seconds * 1000));

export const moment = (seconds) => MOMENT.format(new Date(seconds * 1000));

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// Written orders to the text's direction would also turn around what stands beside it.
const BIDI = /[\u202a-\u202e\u2066-\u2069]/gu;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/gu;
const LATER_CONTROL = /[\u0080-\u009f]/gu;

/** Return a text whose control characters can be seen, and do nothing. */
export function visible(text) {
  return String(text ?? "")
    .replace(/\r\n?/gu, "\n")
    .replace(BIDI, (char) => `⟨U+${char.codePointAt(0).toString(16).toUpperCase()}⟩`)
    .replace(CONTROL, (char) => (char === "\u007f" ? "\u2421" : String.fromCodePoint(0x2400 + char.codePointAt(0))))
    .replace(LATER_CONTROL, "\ufffd");
}

/** Return a URL that leads to a page of the web, or null: a document may name `javascript:`, too. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
