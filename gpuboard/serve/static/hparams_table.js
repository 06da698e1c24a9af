/** Show the trials as a table: sorted, filtered by column, columns dragged into order. */

import { icon as stroke, make } from "./chart_elements.js";
import { h, visible } from "./dom.js";
import { Grid } from "./grid.js";
import { bestRow, cellText, sorted } from "./hparams_model.js";
import { followDrag } from "./hparams_drag.js";
import { openFilter } from "./hparams_filter.js";
import { indexOf, selectRows } from "./runs.js";
import { get, set, subscribe } from "./state.js";

export class TrialsTable {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.element = h("div", { class: "hp-table" });
    this.best = new Map();
    this.ends = [
      subscribe("hpSort", () => this.arrange()),
      subscribe("hpPicked", () => this.mark()),
    ];
  }

  dispose() {
    this.ends.forEach((end) => end());
    this.grid?.dispose();
  }

  /** Make the columns anew. */
  rebuild() {
    const { board } = this;
    const left = this.grid?.element.scrollLeft ?? 0;
    this.grid?.dispose();
    const place = h("div", { class: "grid-wide" });
    this.element.replaceChildren(place);
    this.columns = board.columns();
    this.shape = shapeOf(board, this.columns);
    this.grid = new Grid(place, {
      label: "Trials",
      rowHeight: 28,
      columns: [
        this.checkColumn(),
        this.nameColumn(),
        ...this.columns.map((column) => this.column(column)),
      ],
      sort: () => get("hpSort"),
      onSort: (key) => sortBy(key),
      isOn: (row) => board.inPanel[row] === 1,
      onPick: (row, event) => this.pick(row, event),
      onKey: (row, event) => this.key(row, event),
      onHover: (row) => board.setHover(row),
    });
    this.arrange();
    place.scrollLeft = left;
  }

  /** Show other data; the columns are only made anew where they differ. */
  update() {
    const columns = this.board.columns();
    if (!this.grid || shapeOf(this.board, columns) !== this.shape) return this.rebuild();
    this.columns = columns;
    return this.arrange();
  }

  arrange() {
    const { board, grid } = this;
    if (!grid) return;
    this.best.clear();
    for (const column of this.columns) {
      if (column.goal) this.best.set(column.key, bestRow(column, board.listed));
    }
    this.showSort();
    grid.setRows(this.rows());
    this.paintChecks();
    this.mark();
  }

  /** The listed rows in order; sorting ten thousand anew for each move of a brush would be felt. */
  rows() {
    const { trials, listed } = this.board;
    const sort = get("hpSort");
    if (this.sortedFor !== trials || this.sortedBy !== sort) {
      this.order = sorted(trials, trials.rows, sort);
      this.sortedFor = trials;
      this.sortedBy = sort;
    }
    if (listed.length === trials.count) return this.order;
    const isListed = new Uint8Array(trials.count);
    for (const row of listed) isListed[row] = 1;
    return this.order.filter((row) => isListed[row]);
  }

  repaint() {
    this.grid?.refresh();
    this.paintChecks();
    this.mark();
  }

  mark() {
    if (!this.grid) return;
    const picked = this.board.pickedRow();
    this.grid.element.dataset.picked = picked;
    for (const { element, row } of this.grid.pool) {
      element.classList.toggle("is-picked", row >= 0 && row === picked);
    }
  }

  hover() {
    this.grid?.hover(this.board.hover);
  }

  showSort() {
    const sort = get("hpSort");
    this.grid.options.columns.forEach(({ key }, i) => {
      const isSorted = key === sort.replace(/^-/, "");
      const order = isSorted ? (sort.startsWith("-") ? "descending" : "ascending") : "none";
      this.grid.heads[i].setAttribute("aria-sort", order);
      const filter = get("hpFilters")[key] ?? get("hpBrush")[key];
      this.grid.heads[i].classList.toggle("is-filtered", Boolean(filter));
    });
  }

  checkColumn() {
    this.checkAll = h("button", {
      class: "check",
      type: "button",
      role: "checkbox",
      tabIndex: -1,
      title: "Select the runs of all trials listed, or none of them",
      onclick: () => this.toggleAll(),
    });
    return {
      key: "check",
      title: "",
      width: 60,
      head: this.checkAll,
      make: (cell) =>
        cell.append(
          h("span", {
            class: "check",
            "data-part": "check",
            title: "Select the runs of this trial",
          }),
          h("span", { class: "swatch" }),
        ),
      fill: (cell, row) => {
        cell.lastChild.style.setProperty("--swatch", this.board.colourOf(row));
        const isPicked = String(row) === this.grid?.element.dataset.picked;
        cell.parentElement.classList.toggle("is-picked", isPicked);
        cell.parentElement.classList.toggle("is-pale", this.board.isFront[row] !== 1);
      },
    };
  }

  nameColumn() {
    return {
      key: "name",
      title: "Trial",
      width: 208,
      grow: 1.4,
      head: this.head(this.board.trials.columns.get("name")),
      make: (cell) =>
        cell.append(
          h(
            "span",
            { class: "run-name" },
            h("span", { class: "run-folder" }),
            h("span", { class: "run-leaf" }),
          ),
        ),
      fill: (cell, row) => {
        const name = this.board.trials.name[row];
        const cut = name.lastIndexOf("/") + 1;
        cell.firstChild.title = visible(name);
        cell.firstChild.firstChild.textContent = visible(name.slice(0, cut));
        cell.firstChild.lastChild.textContent = visible(name.slice(cut));
      },
    };
  }

  column({ key, kind, role, title, std }) {
    const isNumber = kind !== "words";
    const least = role === "metric" ? 104 : isNumber ? 84 : 100;
    const width = Math.min(230, Math.max(least + (std ? 48 : 0), 40 + 6.4 * visible(title).length));
    return {
      key,
      title,
      width: Math.round(width),
      grow: 1,
      isNumber,
      head: this.head(this.board.trials.columns.get(key)),
      fill: (cell, row) => {
        const column = this.board.trials.columns.get(key);
        const text = cellText(column, row);
        cell.textContent = text === "" ? "–" : visible(text);
        if (isNumber === false) cell.title = visible(text);
        cell.classList.toggle("is-none", text === "");
        cell.classList.toggle("is-metric", role === "metric");
        cell.classList.toggle("is-odd", text !== "" && Number.isNaN(column.value[row]));
        cell.classList.toggle("is-best", this.best.get(key) === row);
        if (key === "status") cell.dataset.status = text;
      },
    };
  }

  head(column) {
    const { key, title, about } = column;
    const sort = make(
      "button",
      {
        type: "button",
        class: "hp-sort",
        tabIndex: -1,
        title: [visible(title), about && visible(about), "Click to sort, drag to move"]
          .filter(Boolean)
          .join("\n"),
        on: { click: () => this.wasDragged || sortBy(key, column) },
      },
      make("span", { text: visible(title) }),
      make("span", { class: "hp-arrow", "aria-hidden": "true" }),
    );
    const filter = make(
      "button",
      {
        type: "button",
        class: "hp-filter",
        tabIndex: -1,
        title: `Filter by ${visible(title)}`,
        "aria-label": `Filter by ${visible(title)}`,
        on: { click: () => openFilter(this.board, key, filter) },
      },
      stroke("tune"),
    );
    const head = make("span", { class: "hp-head" }, sort, filter);
    if (key !== "name") this.letDrag(head, key);
    return head;
  }

  /** Let a head be dragged to another place; a press that does not move stays a click. */
  letDrag(head, key) {
    head.addEventListener("pointerdown", (event) => {
      this.wasDragged = false;
      if (event.button !== 0 || event.target.closest(".hp-filter")) return;
      followDrag(event, {
        move: (x) => {
          this.wasDragged = true;
          head.classList.add("is-dragged");
          this.showTarget(this.targetAt(x));
        },
        end: (x) => {
          head.classList.remove("is-dragged");
          this.showTarget(undefined);
          const target = x === null ? key : this.targetAt(x);
          if (target !== key) this.board.moveColumn(key, target);
        },
      });
    });
  }

  /** The key of the column before which a drop at x would go, null for the end. */
  targetAt(x) {
    const boxes = this.grid.heads.slice(2).map((head) => head.getBoundingClientRect());
    const place = boxes.findIndex((box) => x < box.left + box.width / 2);
    return place < 0 ? null : this.columns[place].key;
  }

  showTarget(key) {
    this.grid.heads.slice(2).forEach((head, i) => {
      head.classList.toggle("is-target", key !== undefined && this.columns[i].key === key);
    });
  }

  pick(row, event) {
    if (event.target.dataset.part === "check") this.toggle([row], this.board.inPanel[row] !== 1);
    else this.board.pick(row);
  }

  key(row, event) {
    if (event.key === "Enter") this.board.pick(row);
    else if (event.key === " ") this.toggle([row], this.board.inPanel[row] !== 1);
    else return;
    event.preventDefault();
  }

  toggle(rows, isIn) {
    // Without a choice all trials count as selected, however few runs the panel starts with.
    if (get("runs") === "") set("runs", "all");
    const ids = rows.flatMap((row) => this.board.trials.members[row]);
    selectRows(
      ids.map(indexOf).filter((one) => one >= 0),
      isIn,
    );
  }

  toggleAll() {
    const rows = Array.from(this.board.listed);
    this.toggle(rows, !rows.every((row) => this.board.inPanel[row]));
  }

  paintChecks() {
    const rows = this.board.listed;
    const on = rows.reduce((sum, row) => sum + this.board.inPanel[row], 0);
    const checked = on === 0 ? "false" : on === rows.length ? "true" : "mixed";
    this.checkAll?.setAttribute("aria-checked", checked);
    this.checkAll?.setAttribute("aria-label", "Select the runs of all trials listed");
  }
}

function sortBy(key, column) {
  const sort = get("hpSort");
  const startsDown = column?.goal === "max";
  if (sort.replace(/^-/, "") !== key) set("hpSort", startsDown ? `-${key}` : key);
  else set("hpSort", sort.startsWith("-") ? key : `-${key}`);
}

function shapeOf(board, columns) {
  return JSON.stringify(
    columns.map(({ key, title, kind, std }) => [key, title, kind, Boolean(std)]),
  );
}
