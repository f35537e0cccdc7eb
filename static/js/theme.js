// Light or dark: a cookie, so that the server renders the choice into the page and nothing flashes.
const YEAR = 60 * 60 * 24 * 365;
const root = document.documentElement;

const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

export function setUpTheme() {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      document.cookie = `theme=${root.dataset.theme};path=/;max-age=${YEAR};samesite=lax`;
    });
  }
}
