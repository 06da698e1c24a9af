// Set the theme and the widths before the first paint; state.js and frame.js go on from there.
(function early() {
  const root = document.documentElement;
  const read = (key) => {
    try {
      return localStorage.getItem(`gpuboard.${key}`);
    } catch {
      return null;
    }
  };
  const params = new URLSearchParams(location.search);
  const asked = params.get("theme") ?? read("theme");
  const isDark =
    asked === "dark" || (asked !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const width = Number(read("panelWidth"));
  root.dataset.theme = isDark ? "dark" : "light";
  root.dataset.rail = read("rail") ?? "auto";
  root.dataset.panel = read("panel") === "0" ? "closed" : "open";
  if (width >= 200 && width <= 640) root.style.setProperty("--panel", `${width}px`);
})();
