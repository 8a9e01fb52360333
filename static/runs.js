// The Runs page: figures move in their cells as events come; the list is fetched again when a state changes.
import { duration, percent, roughly } from "./format.js";
import { eventsAfter } from "./live.js";
import "./notice.js";
import { showSelection } from "./selection.js";

const REFRESH_MS = 400; // at most so often, however many runs change
const WORKERS_MS = 5000; // their heartbeats are no events
const SPARK = { width: 100, height: 24, leastSpan: 0.02 }; // as app/run_rows.py

const list = () => document.getElementById("runs");
const rowOf = (run) => document.querySelector(`#runs tr[data-run="${run}"]`);
const cell = (row, name) => row.querySelector(`[data-cell="${name}"]`);

// --- figures ---

function drawSparkline(row, points) {
  const values = points.map(([, accuracy]) => accuracy);
  const top = Math.max(...values, Math.min(...values) + SPARK.leastSpan);
  const span = top - Math.min(...values);
  const line = points.length === 1 ? [[0, values[0]], ...points] : points;
  const place = ([epoch, accuracy]) =>
    `${((epoch / row.dataset.epochs) * SPARK.width).toFixed(1)},${(((top - accuracy) / span) * SPARK.height).toFixed(1)}`;
  cell(row, "sparkline").setAttribute("points", line.map(place).join(" "));
}

function showEpoch({ run, epoch, seconds, test_accuracy }) {
  const row = rowOf(run);
  if (!row || epoch <= Number(row.dataset.epochsDone)) return;
  const mean = (Number(row.dataset.seconds) * (epoch - 1) + seconds) / epoch;
  row.dataset.epochsDone = epoch;
  row.dataset.seconds = mean;
  const points = [...JSON.parse(row.dataset.points ?? "[]"), [epoch, test_accuracy]];
  row.dataset.points = JSON.stringify(points);
  drawSparkline(row, points);
  cell(row, "seconds").textContent = duration(mean);
  if (row.dataset.selection === "last") cell(row, "test_accuracy").textContent = percent(test_accuracy);
  else refreshSoon();
  showProgress({ run, phase: "training", epoch, step: 1, steps_per_epoch: 1 });
}

function showProgress({ run, phase, message, epoch, step, steps_per_epoch }) {
  const row = rowOf(run);
  const bar = row && cell(row, "progress");
  if (!bar) return;
  const { epochs, epochsDone, seconds } = row.dataset;
  const underWay = steps_per_epoch && epoch > epochsDone ? step / steps_per_epoch : 0;
  const done = Number(epochsDone) + underWay;
  bar.value = done / epochs;
  const left = seconds ? `, ${roughly((epochs - done) * seconds)} left` : "";
  const words = { starting: "starting", fetching: message }[phase] ?? `epoch ${epoch} of ${epochs}${left}`;
  cell(row, "words").textContent = words;
}

// --- the list and the workers, fetched again ---

let timer, lastRefresh = 0;
let isSwitch = false; // the queue was paused or resumed here

function refreshSoon() {
  timer ??= setTimeout(refresh, Math.max(50, lastRefresh + REFRESH_MS - performance.now()));
}

function refresh() {
  timer = undefined;
  if (list().querySelector(":popover-open")) return; // under someone's hands: when it closes
  lastRefresh = performance.now();
  list().dispatchEvent(new Event("refresh"));
  refreshWorkers();
}

const refreshWorkers = () => document.getElementById("workers").dispatchEvent(new Event("refresh"));

/** A filter beside the list, as the list was made: its values may have come or gone. */
function showFilter(name, chosen, choices) {
  const select = document.getElementById(name);
  if (choices) {
    const [every] = select.options;
    const known = JSON.stringify(choices);
    if (select.dataset.known !== known) select.replaceChildren(every, ...choices.map(([value, title]) => new Option(title, value)));
    select.dataset.known = known;
    select.closest(".field").hidden = choices.length === 0;
  }
  select.value = chosen;
}

function listArrived() {
  const { eventId, counts, title, filters, choices } = list().dataset;
  for (const [state, count] of Object.entries(JSON.parse(counts))) {
    document.querySelector(`[data-count="${state}"]`).textContent = count;
  }
  document.title = title;
  const offered = JSON.parse(choices);
  for (const [name, chosen] of Object.entries(JSON.parse(filters))) showFilter(name, chosen, offered[name]);
  document.getElementById("known-tags").replaceChildren(...offered.tag.map(([tag]) => new Option(tag, tag)));
  showSelection();
  document.getElementById("filters").hidden = !Object.values(JSON.parse(counts)).some(Boolean);
  if (isSwitch && !document.activeElement.closest("main *")?.checkVisibility()) {
    // the button that was pressed is gone: the focus goes to the one in its place
    document.getElementById("paused" in list().dataset ? "resume-queue" : "pause-queue").focus();
  }
  isSwitch = false;
  const since = eventsAfter(Number(eventId)); // what came while the list was on its way
  if (since) since.forEach(({ kind, detail }) => (kind === "epoch" ? showEpoch(detail) : refreshSoon()));
  else refreshSoon();
}

document.addEventListener("trainyard:epoch", ({ detail }) => showEpoch(detail));
document.addEventListener("trainyard:progress", ({ detail }) => showProgress(detail));
for (const kind of ["state", "changed", "deleted", "queue", "worker"]) {
  document.addEventListener(`trainyard:${kind}`, refreshSoon);
}
document.addEventListener("toggle", (event) => event.newState === "closed" && refreshSoon(), true);
setInterval(() => document.hidden || refreshWorkers(), WORKERS_MS);

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const shown = list().querySelectorAll("tr[data-run]").length; // with those that "show more" brought
  if (detail.elt.id === "runs" && shown) detail.parameters.limit = Math.min(500, Math.max(50, shown));
});
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id === "runs" || target.closest?.("#list")) listArrived();
});
document.addEventListener("htmx:beforeRequest", ({ target }) => target.closest("[popover]")?.hidePopover());
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (detail.requestConfig.verb !== "post") return;
  isSwitch = target.querySelector("#pause-queue, #pause-all-now, #resume-queue") !== null;
  target.closest("dialog")?.close();
  refreshSoon();
});
