/**
 * Turn sanitised HTML of the server into elements: the one place where HTML reaches the page.
 *
 * The server has sanitised it already (gpuboard/analysis/markdown.py), and the policy of the page
 * runs no inline script. Here it is taken apart once more, by a parser whose document is never
 * shown, and built anew from an allow-list of elements and attributes; nothing else is copied.
 */

const ELEMENTS = new Set(
  (
    "A BLOCKQUOTE BR CODE DEL EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE S STRONG TABLE TBODY TD TH " +
    "THEAD TR UL"
  ).split(" "),
);
const HTML = "http://www.w3.org/1999/xhtml";
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const ALIGNS = new Set(["left", "right", "center"]);
const MAX_DEPTH = 100;

/** Return what `html` shows as a fragment that can do nothing but show it, and lead to links. */
export function sanitised(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  copyChildren(parsed.body, fragment, 0);
  return fragment;
}

function copyChildren(from, to, depth) {
  if (depth > MAX_DEPTH) return;
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (isAllowed(node)) to.append(copy(node, depth));
  }
}

/** An element of another kind is left out with all that it holds. */
function isAllowed(node) {
  return (
    node.nodeType === Node.ELEMENT_NODE && node.namespaceURI === HTML && ELEMENTS.has(node.tagName)
  );
}

function copy(node, depth) {
  const element = document.createElement(node.tagName);
  if (node.tagName === "A") copyLink(node, element);
  const align = node.getAttribute("align");
  if (ALIGNS.has(align)) element.style.textAlign = align;
  const start = Number(node.getAttribute("start"));
  if (node.tagName === "OL" && Number.isInteger(start) && start > 0) element.start = start;
  copyChildren(node, element, depth + 1);
  return element;
}

function copyLink(from, to) {
  const url = parsed(from.getAttribute("href"));
  if (!url || !SCHEMES.has(url.protocol)) return;
  to.href = url.href;
  to.rel = "noopener noreferrer nofollow";
  to.target = "_blank";
  to.title = from.getAttribute("title") ?? url.href;
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
