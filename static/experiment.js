// The Experiment page: figures move as epochs come; all that moves is fetched again when a state changes.
import { count, percent } from "./format.js";
import { eventsAfter } from "./live.js";
import { refresher } from "./refresh.js";

const refreshSoon = refresher("experiment-now", 500);
const { experimentPage } = document.querySelector("[data-experiment-page]").dataset;
const now = () => document.querySelector("[data-experiment-now]");

function showEpoch({ run, epoch, test_accuracy: accuracy }) {
  const seed = document.querySelector(`.seed[data-run="${run}"]`);
  if (!seed || epoch <= Number(seed.dataset.epochsDone)) return;
  seed.dataset.epochsDone = epoch;
  const bar = document.getElementById("experiment-bar");
  bar.value += 1;
  document.getElementById("experiment-epochs").textContent = count(bar.value);
  document.title = document.title.replace(/^\d+ %/, `${Math.min(99, Math.floor((100 * bar.value) / bar.max))} %`);
  if ("repeat" in seed.dataset) return; // the same result again
  if (seed.dataset.selection !== "last") return refreshSoon(); // which epoch counts is the server's to say
  seed.dataset.accuracy = accuracy;
  showGroup(seed.closest("[data-group]"));
}

function showGroup(group) {
  const accuracies = [...group.querySelectorAll(".seed")].map(({ dataset }) => dataset.accuracy).filter(Boolean).map(Number);
  group.querySelector("[data-mean]").textContent = percent(accuracies.reduce((sum, one) => sum + one, 0) / accuracies.length);
  if (accuracies.length > 1) {
    group.querySelector("[data-range]").textContent = `${percent(Math.min(...accuracies))} to ${percent(Math.max(...accuracies))}`;
  }
}

const isOurs = ({ run }) => document.querySelector(`.seed[data-run="${run}"]`);
document.addEventListener("trainyard:epoch", ({ detail }) => showEpoch(detail));
for (const kind of ["state", "changed", "deleted", "purged"]) {
  // another's run that starts or ends changes when ours start
  document.addEventListener(`trainyard:${kind}`, ({ detail }) => (isOurs(detail) || now().dataset.isOpen) && refreshSoon());
}
document.addEventListener("trainyard:experiment", ({ detail }) => detail.experiment === Number(experimentPage) && refreshSoon());
for (const kind of ["queue", "worker"]) document.addEventListener(`trainyard:${kind}`, refreshSoon);
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.requestConfig.verb === "post" && refreshSoon());
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id !== "experiment-now") return;
  document.title = now().dataset.tabTitle;
  const missed = eventsAfter(Number(now().dataset.eventId)); // what came while it was on its way
  missed?.forEach(({ kind, detail }) => (kind === "epoch" ? showEpoch(detail) : isOurs(detail) && refreshSoon()));
  if (!missed) refreshSoon();
});
