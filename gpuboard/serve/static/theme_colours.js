/** Read the colours that charts paint with from the style sheet, once for each theme. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim().replace(/\s+/g, " ");
  return {
    text: read("--text"),
    muted: read("--muted"),
    grid: read("--grid"),
    axis: read("--line-strong"),
    surface: read("--surface"),
    accent: read("--accent"),
    bad: read("--bad"),
    font: read("--font") || "sans-serif",
  };
}
