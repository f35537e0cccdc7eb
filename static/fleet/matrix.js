// The matrix of a rollout: arrow keys go from cell to cell, and a line says what the present one says.
// A finger's first tap shows the line, with a link; pointers and keys follow a cell at once.
const told = document.getElementById("told");
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

document.addEventListener("keydown", (event) => {
  const cell = cellOf(event);
  if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = nextOf(cell, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
});
document.addEventListener("focusin", (event) => {
  if (!told.contains(event.target)) tell(cellOf(event));
});
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") tell(cellOf(event) ?? document.activeElement.closest("a.cell"));
});
document.addEventListener("click", (event) => {
  const cell = cellOf(event);
  if (!cell || event.pointerType !== "touch") return;
  event.preventDefault();
  tell(cell, { withLink: true });
});

function cellOf(event) {
  return event.target.closest?.("a.cell");
}

function nextOf(cell, key) {
  const cells = [...document.querySelectorAll(".matrix a.cell")];
  const here = cells.indexOf(cell);
  if (key in STEPS) return cells[here + STEPS[key]];
  if (key === "Home") return cells[0];
  if (key === "End") return cells.at(-1);
  if (key === "ArrowDown") return cells.slice(here + 1).find((other) => isUnder(other, cell));
  if (key === "ArrowUp") return cells.slice(0, here).findLast((other) => isUnder(cell, other));
  return undefined;
}

function isUnder(lower, upper) {
  return lower.offsetTop > upper.offsetTop && Math.abs(lower.offsetLeft - upper.offsetLeft) < upper.offsetWidth;
}

function tell(cell, { withLink = false } = {}) {
  told.hidden = !cell;
  if (!cell) return;
  told.textContent = cell.title;
  if (!withLink) return;
  const link = document.createElement("a");
  link.href = cell.href;
  link.textContent = "Open";
  told.append(" ", link);
}
