// The Run page between two renderings: moves lines, figures and words as events come; asks for the head anew when a
// state changes, and every few seconds for the log and the table of epochs while the run is under way.
import { chartOf, clearSteps, drawAll, extendWithEpoch, extendWithStep, ringAt } from "./charts.js";
import { count, duration, number, percent } from "./format.js";
import { eventsAfter } from "./live.js";
import "./notice.js";

const EPOCH_CHARTS = ["test_accuracy", "test_loss", "train_accuracy", "train_loss"];
const FORMATS = { test_accuracy: percent, train_accuracy: percent, test_loss: number, train_loss: number };
const REFRESH_MS = 3000;
const WISHES = ["cancelling", "pausing", "stopping"]; // their face stays, whatever the trainer does meanwhile
const UNDER_WAY = { training: "Training", evaluating: "Evaluating" }; // one face, but for a word

const { runPage, runsUrl, selection } = document.querySelector("[data-run-page]").dataset;
const run = Number(runPage);
const now = () => document.getElementById("run-now").dataset; // the head as last fetched, kept true by what comes
const tell = (name, words) => document.querySelector(`[data-progress="${name}"]`)?.replaceChildren(words);
const words = (epoch, name) => (epoch[name] === null ? "not finite" : FORMATS[name](epoch[name]));
const fetchAnew = (...ids) => ids.forEach((id) => document.getElementById(id).dispatchEvent(new Event("refresh")));

// How far the whole run is: epochs that are done, and the part of the one under way.
function showProgress(underWay) {
  const { epochs, epochsDone, name, secondsPerEpoch, state } = now();
  const done = Number(epochsDone) + underWay;
  const bar = document.querySelector(".run-bar");
  if (bar) bar.value = done / epochs;
  if (state === "running") document.title = `${Math.min(99, Math.floor((100 * done) / epochs))} % · ${name}`;
  const left = Math.round((epochs - done) * secondsPerEpoch);
  if (secondsPerEpoch) tell("left", left < 1 ? ", almost done" : `, about ${duration(left)} left`);
}

function showFigure(name, words) {
  document.querySelector(`#run-now [data-cell="${name}"]`).textContent = words;
}

function epochCame(epoch) {
  const lastIsSelected = selection === "last";
  for (const key of EPOCH_CHARTS) extendWithEpoch(chartOf(key), epoch, lastIsSelected);
  for (const key of EPOCH_CHARTS) document.getElementById(`told-${key}`).textContent = `${words(epoch, key)} at epoch ${epoch.epoch}.`;
  const head = now();
  if (epoch.epoch <= head.epochsDone) return; // the head was fetched after it
  head.secondsPerEpoch = (Number(head.secondsPerEpoch) * (epoch.epoch - 1) + epoch.seconds) / epoch.epoch;
  head.epochsDone = epoch.epoch;
  showFigure("seconds_per_epoch", duration(Number(head.secondsPerEpoch)));
  showFigure("images_per_second", count(epoch.images_per_second));
  if (lastIsSelected) {
    for (const name of EPOCH_CHARTS) showFigure(name, words(epoch, name));
    document.querySelector("#run-now [data-selected]")?.replaceChildren(epoch.epoch);
  }
  if (!lastIsSelected || epoch.epoch === 1) fetchAnew("run-head"); // which epoch is selected, peak memory
  if (epoch.train_loss === null || epoch.test_loss === null) document.getElementById("run-gaps").hidden = false;
  tell("epoch", epoch.epoch);
  showProgress(0);
  const steps = chartOf("step_loss");
  if (steps) clearSteps(steps);
}

function progressCame({ phase, message, epoch, step, steps_per_epoch: steps, images_per_second: speed, loss }) {
  const { face, epochsDone } = now();
  const isSameFace = face === phase || WISHES.includes(face) || (face in UNDER_WAY && phase in UNDER_WAY);
  if (!isSameFace) fetchAnew("run-head");
  if (phase in UNDER_WAY) tell("phase", UNDER_WAY[phase]);
  tell("message", message);
  if (epoch <= epochsDone || !steps) return; // of an epoch that was recorded meanwhile, or before the first
  tell("epoch", epoch);
  tell("step", step);
  tell("steps", steps);
  if (speed) tell("speed", count(speed));
  showProgress(step / steps);
  if (loss && chartOf("step_loss")) extendWithStep(chartOf("step_loss"), loss, steps);
}

function on(kind, act) {
  document.addEventListener(`trainyard:${kind}`, ({ detail }) => detail.run === run && act(detail));
}
on("epoch", epochCame);
on("progress", progressCame);
let isDeleting = false; // here: the form leads to the list itself, and to its Undo
document.querySelector("#delete-dialog form").addEventListener("submit", () => (isDeleting = true));
on("deleted", () => isDeleting || location.assign(runsUrl));
const PARTS = ["run-head", "run-labels", "run-again", "run-diagnosis", "run-record", "run-costs", "run-files", "run-journal"];
on("changed", () => fetchAnew(...PARTS));
// When a worker takes it the rest does not change, and the machine has better to do: the first point is on its way.
on("state", ({ state }) => fetchAnew(...(state === "running" ? ["run-head", "run-journal"] : PARTS)));
for (const kind of ["queue", "worker"]) document.addEventListener(`trainyard:${kind}`, () => fetchAnew("run-head"));
// Another run's move changes our place in line.
document.addEventListener("trainyard:state", ({ detail }) => detail.run !== run && now().state === "queued" && fetchAnew("run-head"));
setInterval(() => document.hidden || now().state !== "running" || fetchAnew("run-record", "run-costs", "run-journal"), REFRESH_MS);

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.requestConfig.verb !== "post") return;
  fetchAnew("run-head", "run-labels");
  if (detail.elt.id === "tag-form" && detail.successful) detail.elt.reset();
});
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // back here, "Launch again" means another run
let focusWasIn = null; // the part that is being fetched over
let faceBefore = now().face;
document.addEventListener("htmx:beforeSwap", ({ target }) => (focusWasIn = target.contains(document.activeElement) ? target : null));
document.addEventListener("htmx:afterSwap", ({ target }) => {
  const fetched = target.firstElementChild?.dataset ?? {};
  if (target.id === "run-head") {
    // the button that was pressed may be gone: the focus stays among the actions
    if (focusWasIn === target && !target.contains(document.activeElement)) target.querySelector('[role="group"] .button').focus();
    document.title = fetched.tabTitle;
    if (fetched.face !== faceBefore) document.getElementById("run-said").textContent = target.querySelector(".run-headline").textContent;
    faceBefore = fetched.face;
    // what came while it was on its way; null: too long ago to know
    const missed = eventsAfter(Number(fetched.eventId));
    missed?.forEach(({ kind, detail }) => kind === "epoch" && detail.run === run && epochCame(detail));
    if (!missed) fetchAnew("run-head");
  }
  if (target.id === "run-labels") {
    if (focusWasIn === target && !target.contains(document.activeElement)) document.getElementById("new-tag").focus();
    const notes = document.getElementById("notes");
    if (!notes.closest("dialog").open) notes.value = document.getElementById("notes-shown")?.textContent ?? "";
  }
  if (fetched.selectedEpoch) for (const key of EPOCH_CHARTS) ringAt(chartOf(key), Number(fetched.selectedEpoch));
});

drawAll();
