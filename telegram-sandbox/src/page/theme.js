// Light or dark: the system's choice until somebody chooses here.

import { byId, icon } from "./dom.js";

const system = matchMedia("(prefers-color-scheme: dark)");

function draw() {
  const chosen = new URLSearchParams(location.search).get("theme") || localStorage.getItem("theme");
  const theme = chosen || (system.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  byId("theme").replaceChildren(icon(theme === "dark" ? "sun" : "moon", 20));
}

export function startTheme() {
  draw();
  system.addEventListener("change", draw);
  byId("theme").addEventListener("click", () => {
    localStorage.setItem("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    draw();
  });
}
