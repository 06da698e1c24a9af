/** Ways in which a view leaves: a link, a link that holds the view itself, one HTML file. */

import * as api from "./api.js";
import { fileName, make, popover, saveAs } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { idRanges, nameOf } from "./runs.js";
import { packView } from "./view_links.js";

const MAX_RUNS_TEXT = 6_000; // longer lists would not fit a request

/** Offer all of them under a button. */
export async function openShare(open, anchor) {
  const { view } = open;
  const packed = await packView(view);
  const isSaved = view.revision > 0;
  const exporting = make("p", { class: "va-say", role: "status" });
  const file = make("button", {
    type: "button",
    class: "button",
    text: "Save as one HTML file",
    disabled: !isSaved || open.isChanged,
    on: { click: () => saveFile(open, exporting) },
  });
  const hint =
    file.disabled && "Save the view first: the file and the first link show what is saved.";
  popover(
    anchor,
    make(
      "div",
      { class: "vw-share" },
      isSaved ? linkRow("For all who use this server", { view: view.id }) : null,
      packed ? linkRow("With the view in the link itself", { viewLayout: packed }) : null,
      make("h3", { text: "For all others" }),
      make("p", {
        class: "vw-hint",
        text: "Charts with their curves, in a file that needs no server and no network.",
      }),
      file,
      exporting,
      hint ? make("p", { class: "vw-hint", text: hint }) : null,
    ),
  );
}

function linkRow(title, query) {
  const url = new URL("views", document.baseURI);
  url.search = new URLSearchParams(query);
  const field = make("input", {
    class: "input",
    type: "text",
    readOnly: true,
    value: url.href,
    "aria-label": title,
    on: { focus: () => field.select() },
  });
  const copy = make("button", {
    type: "button",
    class: "button",
    text: "Copy",
    on: {
      click: async () => {
        field.select();
        try {
          await navigator.clipboard.writeText(url.href);
          copy.textContent = "Copied";
        } catch {
          copy.textContent = "Press Ctrl+C"; // browsers give no clipboard to plain HTTP
        }
      },
    },
  });
  return make("div", { class: "vw-link" }, make("h3", { text: title }), field, copy);
}

async function saveFile(open, say) {
  say.textContent = "Gathering curves …";
  try {
    const runs = idRanges(open.selected() ?? []);
    const query = runs.length <= MAX_RUNS_TEXT ? { runs } : {};
    const page = await api.getText(`views/${open.view.id}/export`, { query });
    const extras = {
      colours: coloursOf(open.selected() ?? []),
      pictures: await open.grid.pictures(),
    };
    // The place of the extras is in the file for this; what stands in them can end no element.
    const whole = page.replace('id="extras">{}<', () => `id="extras">${inert(extras)}<`);
    saveAs(`${fileName(open.view.title)}.html`, whole, "text/html");
    say.textContent = "Saved.";
  } catch (error) {
    say.textContent = error.message;
  }
}

/** Colours by run name, as they are on this page. */
function coloursOf(runs) {
  return Object.fromEntries(Array.from(runs, (run) => [nameOf(run), colourOf(run)]));
}

function inert(value) {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
