/**
 * "Add to a view": any card of any page can be put into a view by one call.
 *
 * @example addToView({ kind: "image", title: tag, tag, runs: [nameOf(run)], step: "100" }, button);
 */

import { make, popover } from "./chart_elements.js";
import { plural } from "./format.js";
import { addCard, listViews, newView, saveView } from "./view_store.js";

/**
 * Let the user choose the view that a card is added to.
 *
 * @param {{kind: string, title: string}} spec What the card shows; `kind` is known to view_cards.js,
 *   the rest is up to the kind and has to survive as JSON. Runs are named by their names: ids hold
 *   only while the server runs.
 * @param {HTMLElement} [anchor] What was pressed.
 */
export async function addToView(spec, anchor = document.querySelector("#main")) {
  const list = make("div", { class: "va-list", role: "group" });
  const say = make("p", { class: "va-say", role: "status", text: "Looking for views …" });
  const title = make("input", {
    class: "input",
    type: "text",
    placeholder: "Name of a new view",
    "aria-label": "Name of a new view",
    maxLength: 300,
  });
  const create = make("button", { type: "submit", class: "button", text: "Create" });
  const form = make(
    "form",
    {
      class: "va-new",
      on: {
        submit: (event) => {
          event.preventDefault();
          void add(() => addToNew(title.value.trim() || "Untitled view", spec));
        },
      },
    },
    title,
    create,
  );
  const body = make(
    "div",
    { class: "va-box" },
    make("h3", { text: "Add to a view" }),
    list,
    form,
    say,
  );
  popover(anchor, body, { name: "va-popover" });

  async function add(task) {
    body.inert = true;
    try {
      const view = await task();
      body.replaceChildren(
        make("p", { text: "Added to " }, make("strong", { text: view.title })),
        make("a", { class: "link", href: `./views?view=${view.id}`, text: "Open the view" }),
      );
    } catch (error) {
      say.textContent = error.message;
    }
    body.inert = false;
  }

  try {
    const { views } = await listViews();
    say.textContent = "";
    list.replaceChildren(
      ...views.map((view) =>
        make(
          "button",
          {
            type: "button",
            class: "sc-item",
            on: { click: () => add(() => addCard(view.id, spec)) },
          },
          make("span", { class: "va-title", text: view.title }),
          make("span", { class: "count", text: plural(view.cards, "card") }),
        ),
      ),
    );
    if (!views.length) title.focus();
  } catch (error) {
    say.textContent = error.message;
  }
}

/** Make a view of one card, drawn as the card is. */
async function addToNew(title, spec) {
  const view = await saveView(newView(title, spec.settings));
  return addCard(view.id, spec);
}
