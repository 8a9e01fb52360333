// The stages of a drawing are one stop of the Tab key; arrows, Home and End move among them. Without this each is a stop.
const KEYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const stagesOf = (stage) => [...stage.ownerSVGElement.querySelectorAll(".net-stage")];

function makeOneStop(root) {
  for (const drawing of root.querySelectorAll("svg.net"))
    drawing.querySelectorAll(".net-stage").forEach((stage, place) => stage.setAttribute("tabindex", place ? -1 : 0));
}

document.addEventListener("keydown", (event) => {
  const stage = event.target.closest?.(".net-stage");
  if (!stage || event.altKey || event.ctrlKey || event.metaKey) return;
  const stages = stagesOf(stage);
  const here = stages.indexOf(stage);
  const there = { Home: 0, End: stages.length - 1 }[event.key] ?? here + (KEYS[event.key] ?? NaN);
  if (Number.isNaN(there)) return;
  event.preventDefault();
  const next = stages[Math.max(0, Math.min(there, stages.length - 1))];
  stage.setAttribute("tabindex", -1);
  next.setAttribute("tabindex", 0);
  next.focus();
});

makeOneStop(document);
document.addEventListener("htmx:afterSettle", () => makeOneStop(document));
