/** Make elements in one line each; every string from a log goes through `textContent`. */

/**
 * Make an element. `attributes` may hold `class`, `text`, `title`, `on` ({event: fn}), `data`,
 * properties that the element has (value, checked, disabled, hidden ...) and attributes.
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) apply(element, key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function apply(element, key, value) {
  if (value === undefined || value === null) return;
  if (key === "class") element.className = value;
  else if (key === "text") element.textContent = value;
  else if (key === "on")
    for (const [event, fn] of Object.entries(value)) element.addEventListener(event, fn);
  else if (key === "data") Object.assign(element.dataset, value);
  else if (key in element && key !== "list" && key !== "popover") element[key] = value;
  else element.setAttribute(key, value);
}

const SVG = "http://www.w3.org/2000/svg";

/** Strokes of the icons, on a 16 x 16 grid. */
const ICONS = {
  pin: "M9.5 1.8 14.2 6.5M10.4 2.7 7 6 3.4 6.9 9.1 12.6 10 9 13.3 5.6M6.2 9.8 2 14",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  open: "M9.5 2H14v4.5M14 2 8.6 7.4M6.5 14H2V9.500M2 14l5.4-5.4",
  wide: "M1.500 8h13M4 5.300 1.300 8 4 10.700M12 5.300 14.700 8 12 10.700",
  more: "M8 3.200v.01M8 8v.01M8 12.800v.01",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  chevron: "M4 6l4 4 4-4",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.700 10.700 14 14",
  tune: "M2 4.500h6M12 4.500h2M2 11.500h2M8 11.500h6M10 2.800v3.400M6 9.800v3.400",
  table: "M2 3h12v10H2zM2 6.500h12M2 9.800h12M6.500 3v10",
  views: "M2 2.500h5v6h-5zM9 2.500h5v3.500h-5zM9 8h5v5.500h-5zM2 10.500h5v3h-5z",
  back: "M13.500 8h-11M6.500 4l-4 4 4 4",
};

/** Make one of the icons; it takes the colour of the text around it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = svg.appendChild(document.createElementNS(SVG, "path"));
  path.setAttribute("d", ICONS[name]);
  if (name === "more") path.setAttribute("stroke-width", "2.4");
  return svg;
}

/** Make a square button with an icon, named for people who hover or listen. */
export function iconButton(name, label, fn, more = {}) {
  const attributes = {
    type: "button",
    class: "button is-quiet is-square sc-small",
    title: label,
    "aria-label": label,
  };
  return make("button", { ...attributes, ...more, on: { click: fn } }, icon(name));
}

/** Open a floating panel under (or above) an element; a click elsewhere or Escape closes it. */
export function popover(anchor, content, { align = "end", name = "" } = {}) {
  const box = make("div", { class: `popover sc-popover ${name}`, role: "dialog" }, content);
  box.setAttribute("popover", "auto");
  document.body.append(box);
  box.addEventListener("toggle", (event) => {
    anchor.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed") box.remove();
  });
  box.showPopover();
  place(box, anchor.getBoundingClientRect(), align);
  return box;
}

function place(box, at, align) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = align === "end" ? at.right - width : at.left;
  const below = at.bottom + 4;
  const top = below + height <= innerHeight - 8 ? below : Math.max(8, at.top - height - 4);
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}

/** Hand a file made in the page to the user. */
export function saveAs(name, content, type) {
  const url = URL.createObjectURL(
    content instanceof Blob ? content : new Blob([content], { type }),
  );
  follow(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Let the browser download an address. */
export function follow(url, name = "") {
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Make a swatch of a series: its colour, or a piece of its line where lines differ in style. */
export function lineSample({ colour, dash }) {
  const swatch = make("i", { class: "gb-swatch" });
  if (!dash) swatch.style.background = colour;
  else {
    swatch.classList.add("gb-line");
    const stops = dashStops(dash, colour);
    swatch.style.background = `repeating-linear-gradient(90deg, ${stops})`;
  }
  return swatch;
}

/** Write a dash pattern (lengths drawn and left out in turn) as stops of a gradient. */
function dashStops(dash, colour) {
  let at = 0;
  const pattern = dash.length ? dash : [1, 0];
  return pattern
    .map((length, i) => {
      const paint = i % 2 ? "transparent" : colour;
      const from = at;
      at += length;
      return `${paint} ${from}px ${at}px`;
    })
    .join(", ");
}

/** Cut the middle out of a long name: what differs is mostly at its end. */
export function shorten(name, length = 44) {
  if (name.length <= length) return name;
  const head = Math.floor(length * 0.3);
  return `${name.slice(0, head)}…${name.slice(name.length - (length - head - 1))}`;
}

/** A file name that every system takes. */
export const fileName = (text) => text.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 120) || "chart";
