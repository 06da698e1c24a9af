/**
 * Show any number of rows as a table of which only the visible part exists.
 *
 * Rows have one fixed height; row elements are reused while scrolling. The table is an ARIA grid
 * with one tab stop: arrows, Page Up and Down, Home and End move the active row.
 */

import { h, icon, oncePerFrame } from "./dom.js";

const OVERSCAN = 6;
let grids = 0;

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {number} width Pixels.
 * @property {number} [grow] Share of the room that is left over; `width` is then the least.
 * @property {boolean} [isNumber] Right-aligned.
 * @property {Node} [head] Replaces the sort button.
 * @property {(cell: HTMLElement) => void} [make] Adds what `fill` needs, once per row element.
 * @property {(cell: HTMLElement, row: number) => void} fill Shows one row in the cell.
 *
 * @typedef {object} Options
 * @property {string} label What the table shows, for screen readers.
 * @property {Column[]} columns
 * @property {number} [rowHeight] Pixels, as `--row` in theme.css.
 * @property {() => string} sort The column in force, with a leading "-" when descending.
 * @property {(key: string) => void} onSort
 * @property {(row: number) => boolean} [isOn] Whether a row is selected.
 * @property {(row: number, event: Event) => void} [onPick] A click on a row.
 * @property {(row: number, event: KeyboardEvent, from: number) => void} [onKey] Any key but those
 *   that move; also after Shift + a move, with the row it came from.
 * @property {(row: number) => void} [onHover] -1 when the pointer leaves.
 */

const track = ({ width, grow }) => (grow ? `minmax(${width}px, ${grow}fr)` : `${width}px`);

/** A virtual table inside `element`; `rows` are what the owner calls its rows, in shown order. */
export class Grid {
  /** @param {HTMLElement} element @param {Options} options */
  constructor(element, options) {
    this.element = element;
    this.options = { rowHeight: 26, isOn: () => false, ...options };
    this.rows = new Int32Array(0);
    this.active = 0; // position of the keyboard's row
    this.pool = [];
    this.id = `grid-${(grids += 1)}`;
    this.build();
    this.schedule = oncePerFrame(() => this.paint());
    this.resizes = new ResizeObserver(() => this.schedule());
    this.resizes.observe(element);
  }

  /** Show these rows in this order. */
  setRows(rows) {
    this.rows = rows;
    this.active = Math.min(this.active, Math.max(rows.length - 1, 0));
    this.space.style.height = `${rows.length * this.options.rowHeight}px`;
    this.element.setAttribute("aria-rowcount", rows.length + 1);
    this.refresh();
  }

  /** Fill all visible rows anew: what they show has changed. */
  refresh() {
    for (const slot of this.pool) slot.position = -1;
    this.paintHead();
    this.schedule();
  }

  /** Mark the row that the pointer is on elsewhere, -1 for none. */
  hover(row) {
    for (const slot of this.pool) slot.element.classList.toggle("is-hover", slot.row === row);
  }

  /** Stop watching; the element may be removed afterwards. */
  dispose() {
    this.resizes.disconnect();
  }

  build() {
    const { columns, label } = this.options;
    this.heads = columns.map((column, i) => this.buildHead(column, i));
    this.space = h("div", { class: "grid-space", role: "presentation" });
    const head = h("div", { class: "grid-head", role: "row", "aria-rowindex": 1 }, this.heads);
    this.element.classList.add("grid");
    this.element.style.setProperty("--columns", columns.map(track).join(" "));
    this.element.style.setProperty(
      "--least",
      `${columns.reduce((sum, { width }) => sum + width, 0)}px`,
    );
    this.element.style.setProperty("--row", `${this.options.rowHeight}px`);
    for (const [key, value] of Object.entries({
      role: "grid",
      "aria-label": label,
      "aria-colcount": columns.length,
      "aria-multiselectable": "true",
      tabindex: 0,
    }))
      this.element.setAttribute(key, value);
    this.element.append(head, this.space);
    this.element.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.element.addEventListener("click", (event) => this.onClick(event));
    this.element.addEventListener("keydown", (event) => this.onKeyDown(event));
    this.space.addEventListener("pointerover", (event) => this.tellHover(event));
    this.space.addEventListener("pointerleave", () => this.options.onHover?.(-1));
  }

  buildHead({ key, title, isNumber, head }, i) {
    const cell = h("div", {
      role: "columnheader",
      "aria-colindex": i + 1,
      class: isNumber ? "is-number" : "",
    });
    const sort = () => this.options.onSort(key);
    cell.append(head ?? h("button", { type: "button", tabIndex: -1, onclick: sort }, title));
    return cell;
  }

  paintHead() {
    const sort = this.options.sort();
    const isDown = sort.startsWith("-");
    this.options.columns.forEach(({ key, head }, i) => {
      if (head) return;
      const isSorted = key === sort.replace(/^-/, "");
      this.heads[i].setAttribute(
        "aria-sort",
        isSorted ? (isDown ? "descending" : "ascending") : "none",
      );
      this.heads[i].querySelector(".arrow")?.remove();
      if (!isSorted) return;
      const arrow = icon(isDown ? "down" : "up");
      arrow.classList.add("arrow");
      this.heads[i].firstChild.append(arrow);
    });
  }

  paint() {
    const { rowHeight } = this.options;
    const first = Math.max(Math.floor(this.element.scrollTop / rowHeight) - OVERSCAN, 0);
    const visible = Math.ceil(this.element.clientHeight / rowHeight) + 2 * OVERSCAN;
    const last = Math.min(first + visible, this.rows.length);
    this.resizePool(visible);
    for (let position = first; position < last; position++) {
      this.show(this.pool[position % this.pool.length], position);
    }
    for (const slot of this.pool) {
      slot.element.hidden = slot.position < first || slot.position >= last;
      if (slot.element.hidden) slot.row = -1;
    }
    this.markActive();
  }

  resizePool(size) {
    if (this.pool.length >= size) return;
    while (this.pool.length < size) this.pool.push(this.newSlot());
    for (const slot of this.pool) slot.position = -1; // positions belong to other slots now
  }

  newSlot() {
    const cells = this.options.columns.map((column, i) => {
      const cell = h("div", {
        role: "gridcell",
        "aria-colindex": i + 1,
        class: column.isNumber ? "is-number" : "",
      });
      column.make?.(cell);
      return cell;
    });
    const element = h("div", { class: "grid-row", role: "row" }, cells);
    const slot = { element, cells, position: -1, row: -1 };
    element.slot_ = slot;
    this.space.append(element);
    return slot;
  }

  show(slot, position) {
    if (slot.position === position) return;
    const row = this.rows[position];
    const { element } = slot;
    const isOn = this.options.isOn(row);
    Object.assign(slot, { position, row });
    element.id = `${this.id}-${position}`;
    element.style.transform = `translateY(${position * this.options.rowHeight}px)`;
    element.setAttribute("aria-rowindex", position + 2);
    element.setAttribute("aria-selected", isOn);
    element.classList.toggle("is-on", isOn);
    this.options.columns.forEach(({ fill }, i) => fill(slot.cells[i], row));
  }

  markActive() {
    for (const { element, position } of this.pool) {
      element.classList.toggle("is-active", position === this.active);
    }
    if (this.rows.length === 0) this.element.removeAttribute("aria-activedescendant");
    else this.element.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
  }

  slotOf(event) {
    return event.target.closest?.(".grid-row")?.slot_ ?? null;
  }

  onClick(event) {
    const slot = this.slotOf(event);
    if (!slot) return;
    this.active = slot.position;
    this.options.onPick?.(slot.row, event);
    this.markActive();
  }

  tellHover(event) {
    this.options.onHover?.(this.slotOf(event)?.row ?? -1);
  }

  onKeyDown(event) {
    if (event.target !== this.element || this.rows.length === 0) return;
    const to = this.target(event.key);
    if (to === undefined) {
      this.options.onKey?.(this.rows[this.active], event, this.rows[this.active]);
      return;
    }
    event.preventDefault();
    const from = this.active;
    this.moveTo(to);
    if (event.shiftKey) this.options.onKey?.(this.rows[this.active], event, this.rows[from]);
  }

  target(key) {
    const page = Math.max(Math.floor(this.element.clientHeight / this.options.rowHeight) - 2, 1);
    const last = this.rows.length - 1;
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -last,
      End: last,
    };
    return key in steps ? Math.min(Math.max(this.active + steps[key], 0), last) : undefined;
  }

  moveTo(position) {
    const { rowHeight } = this.options;
    const top = position * rowHeight;
    const room = this.element.clientHeight - this.heads[0].parentElement.offsetHeight;
    this.active = position;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + rowHeight > this.element.scrollTop + room) {
      this.element.scrollTop = top + rowHeight - room;
    }
    this.paint();
  }
}
