/** Put the theme that the user chose, or the system's, on the page; it changes without a reload. */

import * as state from "./state.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const NEXT = { auto: "light", light: "dark", dark: "auto" };

/** What each choice is called and drawn as. */
export const THEMES = {
  auto: { label: "as the system", icon: "auto" },
  light: { label: "light", icon: "sun" },
  dark: { label: "dark", icon: "moon" },
};

/** Go on to the next choice: auto, light, dark. */
export const nextTheme = () => state.set("theme", NEXT[state.get("theme")]);

/** Keep `<html data-theme>` and the state key "dark" true to the choice; returns its end. */
export function followTheme() {
  const apply = () => {
    const theme = state.get("theme");
    const isDark = theme === "dark" || (theme === "auto" && system.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    state.set("dark", isDark);
  };
  const end = state.subscribe("theme", apply);
  system.addEventListener("change", apply);
  apply();
  return () => {
    end();
    system.removeEventListener("change", apply);
  };
}
