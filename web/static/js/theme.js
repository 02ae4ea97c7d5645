// Light, dark, or as the system has it. Loaded before the page is drawn, so that it does not flash.

const key = "settle-theme";
const root = document.documentElement;
let chosen = null;
try { chosen = localStorage.getItem(key); } catch { /* storage may be forbidden: the choice then lasts as long as the page */ }
if (chosen) root.dataset.theme = chosen;

const dark = () => chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

function label() {
  const b = document.getElementById("theme");
  if (b) b.setAttribute("aria-label", dark() ? "Switch to light colours" : "Switch to dark colours");
}

addEventListener("DOMContentLoaded", () => {
  label();
  document.getElementById("theme")?.addEventListener("click", () => {
    chosen = dark() ? "light" : "dark";
    root.dataset.theme = chosen;
    try { localStorage.setItem(key, chosen); } catch { /* see above */ }
    label();
    dispatchEvent(new Event("themechange"));
  });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { label(); dispatchEvent(new Event("themechange")); });
