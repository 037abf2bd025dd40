/**
 * Elements, made and kept up to date.
 *
 * Whatever comes from Kafka enters the page as a text node or an attribute's value here, and never as markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Properties are attributes, but for `on`: its listeners. A child that is a string becomes text. */
export function el(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

/** Return an element of a drawing. */
export function svg(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

function filled(node, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) attribute(node, name, value);
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set an attribute; null, undefined and false take it away. */
export function attribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/** Set a text, touching nothing when it is that already: a reader's selection survives. */
export function say(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

const kept = new WeakMap();

/**
 * Make a parent's children those of a list, by key: what stays is updated where it is, focus and all.
 *
 * `make(item)` returns `{node, update}`; `update(item)` is called each time, the first one included.
 */
export function keyed(parent, items, keyOf, make) {
  const before = kept.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const part = before.get(key) ?? make(item);
    part.update?.(item);
    now.set(key, part);
  }
  for (const [key, part] of before) if (!now.has(key)) part.node.remove();
  const focused = document.activeElement;
  let place = 0;
  for (const { node } of now.values()) {
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
    place += 1;
  }
  // To move an element takes the focus from it.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  kept.set(parent, now);
}

/**
 * Return a table that becomes cards where there is little room, and stays a table for those who listen.
 *
 * Columns are `{label, number?, wide?, plain?}`, where what is plain needs no label; `row(item)` returns `{cells, update}`, a node or a string for each column.
 */
export function table({ caption, columns, keyOf, row, empty }) {
  const heads = columns.map(({ label, number }) =>
    el("th", { scope: "col", role: "columnheader", class: number ? "number" : null }, label),
  );
  const body = el("tbody", { role: "rowgroup" });
  const grid = el(
    "table",
    { role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
    body,
  );
  const nothing = el("p", { class: "note" }, empty);
  const make = (item) => {
    const { cells, update } = row(item);
    const told = columns.map(({ label, number, wide, plain }, at) => {
      const looks = [number ? "number" : "", wide ? "wide" : ""].join(" ").trim();
      return el("td", { role: "cell", "data-label": plain ? null : label, class: looks || null }, cells[at]);
    });
    return { node: el("tr", { role: "row" }, told), update };
  };
  const update = (items) => {
    keyed(body, items, keyOf, make);
    grid.hidden = !items.length;
    nothing.hidden = items.length > 0;
  };
  return { node: el("div", { class: "table" }, grid, nothing), update };
}
