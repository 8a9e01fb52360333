// Errors and disagreements: arrow keys move between the counts of a matrix; the page comes again when what it waits for is there.
import "./live.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

for (const grid of document.querySelectorAll("table[data-grid]")) {
  grid.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
    for (;;) { // to the next one that leads somewhere
      row += step[0];
      column += step[1];
      const next = grid.rows[row]?.cells[column];
      if (!next || next.tagName !== "TD") return;
      const link = next.querySelector("a");
      if (link) return link.focus();
    }
  });
}

const waiting = document.querySelector("[data-waiting]")?.dataset.waiting.split(",") ?? [];
document.addEventListener("trainyard:changed", ({ detail }) => {
  if (detail.exported?.includes("predictions") && waiting.includes(String(detail.run))) location.reload();
});
