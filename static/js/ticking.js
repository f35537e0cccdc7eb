// Stopwatches run between two answers of the server: <span data-elapsed="252">4:12</span>, seconds at the time of answering.
const begun = new WeakMap();

export function setUpTicking() {
  setInterval(tick, 1000);
}

function tick() {
  for (const watch of document.querySelectorAll("[data-elapsed]")) {
    const shown = begun.get(watch);
    if (shown?.elapsed !== watch.dataset.elapsed) {
      begun.set(watch, { elapsed: watch.dataset.elapsed, at: performance.now() });
      continue;
    }
    const text = clockTime(Number(shown.elapsed) + (performance.now() - shown.at) / 1000);
    if (watch.textContent !== text) watch.textContent = text;
  }
}

function clockTime(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
