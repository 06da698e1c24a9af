/** Popovers of the toolbar: which columns, which metrics, which seeds are folded, which file. */

import { icon, iconButton, make, popover, saveAs } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count } from "./format.js";
import { send } from "./hparams_board.js";
import { MOST_COLUMNS, matrixColumns } from "./hparams_scatter.js";
import { asked, sorted } from "./hparams_model.js";
import { get, set } from "./state.js";

const HOWS = {
  last: "Last",
  best: "Best",
  min: "Minimum",
  max: "Maximum",
  mean: "Mean of last",
  at: "At step",
};
const GOALS = { min: "Lower is better", max: "Higher is better" };
const STATS = { mean: "Mean ± std", median: "Median", min: "Minimum", max: "Maximum", std: "Std" };
const MOST_LISTED = 300;
const SEED = /seed|repeat|fold$|replica/i;

/** Choose and order the columns of table and axes, or those of the matrix. */
export function openColumns(board, anchor) {
  const isMatrix = get("hpView") === "scatter";
  const chosen = () => (isMatrix ? matrixColumns(board) : board.columns()).map(({ key }) => key);
  const take = (keys) =>
    isMatrix ? set("hpMatrix", keys.slice(0, MOST_COLUMNS)) : board.setColumns(keys);
  const list = make("div", { class: "hp-list is-tall" });
  const search = make("input", {
    class: "input",
    type: "search",
    placeholder: "Find a column",
    "aria-label": "Find a column",
    on: { input: () => fill() },
  });
  const fill = () => {
    const kept = chosen();
    const wanted = search.value.trim().toLowerCase();
    const { trials } = board;
    const known = [...trials.columns.values()].filter(({ key }) => key !== "name");
    const waiting = trials.hparams
      .filter(({ name }) => !trials.columns.has(`h:${name}`))
      .map(({ name, differs }) => ({ key: `h:${name}`, title: name, role: "hparam", differs }));
    const all = [...known, ...waiting].filter(({ title }) => title.toLowerCase().includes(wanted));
    const groups = [
      ["Shown", kept.map((key) => all.find((one) => one.key === key)).filter(Boolean)],
      ["Metrics", rest(all, kept, ({ role }) => role === "metric")],
      ["Differ between trials", rest(all, kept, (c) => c.role === "hparam" && c.differs)],
      ["The same in all trials", rest(all, kept, (c) => c.role === "hparam" && !c.differs)],
      ["Facts", rest(all, kept, ({ role }) => role === "fact")],
    ];
    list.replaceChildren(
      ...groups.flatMap(([title, columns]) =>
        columns.length
          ? [
              make("h4", { text: title }),
              ...columns.slice(0, MOST_LISTED).map((column) => row(column, kept)),
            ]
          : [],
      ),
    );
  };
  const row = (column, kept) => {
    const place = kept.indexOf(column.key);
    const box = make("input", {
      type: "checkbox",
      checked: place >= 0,
      disabled: place < 0 && isMatrix && kept.length >= MOST_COLUMNS,
      on: {
        change: () => {
          take(box.checked ? [...kept, column.key] : kept.filter((key) => key !== column.key));
          soon(fill);
        },
      },
    });
    const move = (by) => {
      const keys = [...kept];
      keys.splice(place + by, 0, ...keys.splice(place, 1));
      take(keys);
      soon(fill);
    };
    const arrows =
      place < 0
        ? []
        : [
            arrow("Move up", "is-up", place === 0, () => move(-1)),
            arrow("Move down", "", place === kept.length - 1, () => move(1)),
          ];
    const name = make("span", {
      class: "hp-word",
      text: visible(column.title),
      title: visible(column.title),
    });
    return make(
      "div",
      { class: "hp-choice" },
      make("label", { class: "hp-check" }, box, name),
      ...arrows,
    );
  };
  const standard = make("button", {
    type: "button",
    class: "link",
    text: "Standard choice",
    on: {
      click: () => {
        take([]);
        soon(fill);
      },
    },
  });
  const all = make("button", {
    type: "button",
    class: "link",
    text: "All",
    on: {
      click: () => {
        const { hparams, columns } = board.trials;
        const metrics = [...columns.values()].filter(({ role }) => role === "metric");
        take([...hparams.map(({ name }) => `h:${name}`), ...metrics.map(({ key }) => key)]);
        soon(fill);
      },
    },
  });
  fill();
  const title = isMatrix ? `Columns of the matrix, up to ${MOST_COLUMNS}` : "Columns and axes";
  openBox(
    anchor,
    title,
    search,
    list,
    make("div", { class: "hp-row" }, standard, isMatrix ? null : all),
  );
}

const rest = (all, kept, isIn) =>
  all.filter((column) => !kept.includes(column.key) && isIn(column));
const soon = (fn) => setTimeout(fn, 0);

function arrow(label, more, disabled, fn) {
  return iconButton("chevron", label, fn, {
    disabled,
    class: `button is-quiet is-square hp-arrow-button ${more}`,
  });
}

/** Choose the metrics, and which number of each curve counts. */
export function openMetrics(board, anchor) {
  const list = make("div", { class: "hp-metrics" });
  const current = () => board.trials.metrics.map(asked);
  const change = (metrics) => {
    set("hpMetrics", metrics);
    metricsShown = metrics;
    fill();
  };
  let metricsShown = current();
  const fill = () => {
    list.replaceChildren(
      ...metricsShown.map((metric, i) =>
        metricRow(
          metric,
          (part) => change(metricsShown.map((one, k) => (k === i ? { ...one, ...part } : one))),
          metricsShown.length > 1 ? () => change(metricsShown.filter((_, k) => k !== i)) : null,
        ),
      ),
    );
  };
  const add = make("input", {
    class: "input",
    type: "search",
    list: "hp-known-metrics",
    placeholder: "Add a scalar tag",
    "aria-label": "Add a scalar tag",
    spellcheck: false,
    on: {
      change: () => {
        const known = board.trials.known.find((one) => pathOf(one) === add.value);
        if (!known) return;
        add.value = "";
        const { group, tag, goal } = known;
        const key = freeKey(pathOf(known), metricsShown);
        change([...metricsShown, { key, tag, group, how: "last", goal, amount: 0 }]);
        const columns = get("hpColumns");
        if (columns.length) set("hpColumns", [...columns, `m:${key}`]);
      },
    },
  });
  add.setAttribute("list", "hp-known-metrics");
  const options = make(
    "datalist",
    { id: "hp-known-metrics" },
    ...board.trials.known.map((one) =>
      make("option", {
        value: pathOf(one),
        label: `${visible(pathOf(one))} · ${count(one.trials)} trials`,
      }),
    ),
  );
  fill();
  openBox(anchor, "Metrics", list, add, options);
}

const pathOf = ({ group, tag }) => (group ? `${group}/${tag}` : tag);

function freeKey(path, metrics) {
  const taken = new Set(metrics.map(({ key }) => key));
  let key = path;
  for (let n = 2; taken.has(key); n++) key = `${path} ${n}`;
  return key;
}

function metricRow(metric, change, remove) {
  const amount = make("input", {
    class: "input hp-amount",
    type: "number",
    min: metric.how === "mean" ? "1" : "0",
    value: String(metric.amount || (metric.how === "mean" ? 10 : 0)),
    hidden: metric.how !== "mean" && metric.how !== "at",
    "aria-label": metric.how === "at" ? "Step" : "Points",
    on: {
      change: () =>
        change({
          amount: Math.max(metric.how === "mean" ? 1 : 0, Math.round(Number(amount.value)) || 0),
        }),
    },
  });
  const path = visible(pathOf(metric));
  return make(
    "div",
    { class: "hp-metric" },
    make("span", { class: "hp-word", text: path, title: path }),
    make(
      "div",
      { class: "hp-how" },
      picker(HOWS, metric.how, "Which value", (how) =>
        change({ how, amount: how === "mean" ? 10 : 0 }),
      ),
      amount,
    ),
    picker(GOALS, metric.goal, "What is better", (goal) => change({ goal })),
    remove ? iconButton("close", `Remove ${path}`, remove) : make("span", { class: "hp-gap" }),
  );
}

/** Fold trials that differ in the chosen hyperparameters alone. */
export function openFold(board, anchor) {
  const names = board.trials.hparams.map(({ name }) => name);
  const fold = () => get("hpFold");
  const on = make("input", {
    type: "checkbox",
    checked: fold() !== null,
    on: {
      change: () => {
        set("hpFold", on.checked ? names.filter((name) => SEED.test(name)) : null);
        fill();
      },
    },
  });
  const list = make("div", { class: "hp-list" });
  const stat = picker(STATS, get("hpStat"), "Statistic over a group", (value) =>
    set("hpStat", value),
  );
  const statRow = make(
    "div",
    { class: "hp-row" },
    make("span", { class: "hp-label", text: "Show" }),
    stat,
  );
  const fill = () => {
    const kept = fold();
    list.hidden = statRow.hidden = kept === null;
    list.replaceChildren(
      make("h4", { text: "Trials of one row may differ in" }),
      ...names.map((name) => {
        const box = make("input", {
          type: "checkbox",
          checked: kept?.includes(name) ?? false,
          on: {
            change: () => {
              const others = (fold() ?? []).filter((one) => one !== name);
              set("hpFold", box.checked ? [...others, name] : others);
            },
          },
        });
        return make(
          "label",
          { class: "hp-check" },
          box,
          make("span", { class: "hp-word", text: visible(name), title: visible(name) }),
        );
      }),
    );
  };
  fill();
  const toggle = make("label", { class: "hp-check" }, on, "Fold trials into groups");
  openBox(anchor, "Seeds", toggle, statRow, list);
}

/** Save just the columns and rows of the table, in its order. */
export function openExport(board, anchor) {
  const rows = board.listed.length;
  const columns = board.columns().length + 1;
  const button = (format, text) =>
    make("button", {
      type: "button",
      class: "button hp-export",
      text,
      data: { format },
      on: { click: () => void save(board, format, note) },
    });
  const note = make("p", {
    class: "hp-note",
    role: "status",
    text: `${count(rows)} rows and ${columns} columns, as the table shows them.`,
  });
  openBox(
    anchor,
    "Save the table",
    note,
    make(
      "div",
      { class: "hp-row" },
      button("csv", "CSV"),
      button("json", "JSON"),
      button("latex", "LaTeX"),
    ),
  );
}

async function save(board, format, note) {
  try {
    const rows = Array.from(
      sorted(board.trials, board.listed, get("hpSort")),
      (row) => board.trials.run[row],
    );
    const columns = ["name", ...board.columns().map(({ key }) => key)];
    const body = {
      ...board.request(),
      metrics: board.trials.metrics.map(asked),
      format,
      columns,
      rows: rows.join(","),
    };
    const reply = await send("trials/export", body);
    saveAs(`trials.${format === "latex" ? "tex" : format}`, await reply.blob());
  } catch (error) {
    note.textContent = error.message;
    note.classList.add("field-error");
  }
}

function picker(choices, value, label, fn) {
  const box = make(
    "select",
    { class: "select", "aria-label": label, on: { change: () => fn(box.value) } },
    ...Object.entries(choices).map(([key, text]) =>
      make("option", { value: key, text, selected: key === value }),
    ),
  );
  return make("div", { class: "picker" }, box, icon("chevron"));
}

function openBox(anchor, title, ...parts) {
  const heading = make("h3", { class: "hp-pop-title", text: title });
  return popover(anchor, make("div", { class: "hp-pop" }, heading, ...parts.filter(Boolean)));
}
