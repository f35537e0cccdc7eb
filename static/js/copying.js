// Ids and addresses can be copied with one click.
const SAID_FOR_MS = 1500;

export function setUpCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.copyWord ??= button.querySelector("[data-copy-said]").textContent;
    say(button, "Copied", "check");
    setTimeout(() => say(button, button.dataset.copyWord, "copy"), SAID_FOR_MS);
  });
}

function say(button, word, icon) {
  button.querySelector("[data-copy-said]").textContent = word;
  button.title = word;
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
}
