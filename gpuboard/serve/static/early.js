// Set the theme and the widths before the first paint, and ask for what the modules will ask for
// first; state.js and frame.js go on from there.
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

  const routes = ["runs", "status"];
  // the same as in scalars.js: another query would be a second request
  if (root.dataset.page === "scalars" && !params.has("tagFilter")) {
    routes.push("tags?kind=scalar&limit=5000");
  }
  for (const route of routes) {
    const link = document.createElement("link");
    const href = `api/v1/${route}`;
    Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href });
    document.head.append(link);
  }
})();
