// Light, dark, or as the system has it.

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const LOOKS = { auto: "◐", light: "○", dark: "●" };
const KEY = "redraft-theme";

/** A browser may forbid to keep anything. */
function kept() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then it is for this visit only.
  }
}

/** `changed` is called whenever colours are others. */
export function themed(button, changed) {
  let theme = kept();
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = LOOKS[theme] ?? LOOKS.auto;
    button.title = `Colours: ${theme}`;
    button.setAttribute("aria-label", `Colours: ${theme}`);
    changed();
  };
  button.onclick = () => {
    theme = NEXT[theme] ?? "auto";
    keep(theme);
    show();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}
