// The builder: undo, keys and dragging. What a network is and what follows from it, the server says.
import "./notice.js";

const form = document.querySelector(".builder");
const typing = document.getElementById("builder-typing");
const doer = document.getElementById("builder-do"); // a hidden button, by which script asks for what a button would
const undo = document.getElementById("undo");
const redo = document.getElementById("redo");
const TYPING_MS = 2000; // what is typed into one field without a longer pause is undone at once. A guess, untuned

form.classList.add("has-script");
for (const id of ["builder-history", "builder-keys", "copy-spec"]) document.getElementById(id).hidden = false;

function act(wish) {
  doer.value = wish;
  doer.click();
  doer.value = ""; // Enter in a field clicks it too
}

// Undo: the address says all of the network, so its past is a list of addresses.
const past = [];
const future = [];
const NOTHING_TYPED = { id: "", at: -Infinity, isSameBurst: false };
let typed = NOTHING_TYPED;

function network(query) { // without what is no part of it
  const parameters = new URLSearchParams(query);
  for (const name of ["at", "name", "match", "adjust", "focus"]) parameters.delete(name);
  return parameters.toString();
}
let current = `?${form.getAttribute("data-query")}`; // form.dataset is the field of that name
let isRestoring = false;

function told() {
  const focused = document.activeElement;
  undo.disabled = past.length === 0;
  redo.disabled = future.length === 0;
  if (focused === undo && undo.disabled) redo.focus(); // what is disabled loses the focus to nowhere
  if (focused === redo && redo.disabled) undo.focus();
}

form.addEventListener("input", (event) => {
  const isSameBurst = event.target.id === typed.id && performance.now() - typed.at < TYPING_MS;
  typed = { id: event.target.id, at: performance.now(), isSameBurst };
});
document.body.addEventListener("htmx:replacedInHistory", () => {
  const before = current;
  current = location.search;
  if (isRestoring || network(before) === network(current)) return;
  if (!typed.isSameBurst) past.push(before);
  future.length = 0;
  told();
});

async function restore(from, to) {
  if (from.length === 0) return;
  isRestoring = true;
  typed = NOTHING_TYPED;
  const before = current;
  await window.htmx.ajax("GET", `${typing.getAttribute("hx-get")}${from.at(-1)}&do=restore`, { swap: "none" }).catch(() => {});
  isRestoring = false;
  if (current === before) return; // no answer came
  to.push(before);
  from.pop();
  told();
}
let restored = Promise.resolve(); // one after the other, however quickly they are asked for
undo.addEventListener("click", () => (restored = restored.then(() => restore(past, future))));
redo.addEventListener("click", () => (restored = restored.then(() => restore(future, past))));

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  if (event.target.matches("input[type='number'], input:not([type]), textarea")) return; // the field's own
  event.preventDefault();
  (event.shiftKey ? redo : undo).click();
});

// The layer that has the focus is the selected one, and the buttons that add say which it is.
function nameSelected() {
  const layer = form.querySelector("[name='at']:checked")?.closest(".layer");
  const kind = layer?.querySelector("select.layer-kind")?.value ?? layer?.querySelector("b")?.textContent;
  document.getElementById("add-after").textContent = layer?.dataset.number ? `layer ${layer.dataset.number}, ${kind}` : "the images";
}
for (const kind of ["focusin", "change", "htmx:afterSettle"]) document.body.addEventListener(kind, nameSelected);
nameSelected();

// Keys within a layer.
const KEYS = { ArrowUp: "up", ArrowDown: "down", KeyC: "copy", Delete: "remove" };
form.addEventListener("keydown", (event) => {
  const layer = event.target.closest(".layer[data-number]");
  if (!layer || !event.altKey || event.ctrlKey || !(event.code in KEYS)) return;
  event.preventDefault();
  act(`${KEYS[event.code]} ${layer.dataset.number}`);
});
form.addEventListener("focusin", (event) => {
  const chosen = event.target.closest(".layer")?.querySelector("[name='at']");
  if (chosen && event.target.name !== "at") chosen.checked = true;
});
form.addEventListener("click", (event) => {
  if (event.target.closest("[name='do']")) typed = NOTHING_TYPED;
  if (event.target.closest("[aria-disabled='true']")) event.preventDefault();
}, true);

// Dragging by the grip.
let dragged = null;
function clearMarks() {
  for (const layer of form.querySelectorAll(".drop-before, .drop-after")) layer.classList.remove("drop-before", "drop-after");
}
form.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".layer[data-number]") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.number);
  event.dataTransfer.setDragImage(dragged, 10, 10);
  dragged.classList.add("is-dragged");
});
form.addEventListener("dragover", (event) => {
  const over = event.target.closest(".layer[data-number]");
  if (!dragged || !over) return;
  event.preventDefault();
  clearMarks();
  over.classList.add(isBelowMiddle(event, over) ? "drop-after" : "drop-before");
});
form.addEventListener("drop", (event) => {
  const over = event.target.closest(".layer[data-number]");
  if (!dragged || !over) return;
  event.preventDefault();
  const parts = over.dataset.number.split(".").map(Number);
  if (isBelowMiddle(event, over)) parts[parts.length - 1] += 1;
  const isPastAll = parts.length === 1 && !document.getElementById(`layer-${parts[0]}`);
  act(`move ${dragged.dataset.number}>${isPastAll ? "" : parts.join(".")}`);
});
form.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  clearMarks();
});
function isBelowMiddle(event, layer) {
  const box = layer.getBoundingClientRect();
  return event.clientY > box.top + box.height / 2;
}

// What is below the drawing stays where it is while a number that does not fit yet cuts it short.
const drawing = document.getElementById("builder-drawing");
const keepHeight = () => { drawing.style.minHeight = `${drawing.offsetHeight}px`; };
const freeHeight = () => { drawing.style.minHeight = ""; };
document.body.addEventListener("htmx:beforeRequest", (event) => (event.detail.elt === typing ? keepHeight : freeHeight)());
window.addEventListener("resize", freeHeight);

// Wrong fields are marked; their reasons came with the outcome.
document.body.addEventListener("htmx:afterSettle", () => {
  for (const layer of form.querySelectorAll(".layer[data-number]")) {
    const outcome = layer.querySelector(":scope > .layer-outcome");
    for (const field of layer.querySelectorAll(":scope > .layer-head input[type='number']")) {
      if (outcome.querySelector(`[data-field="${field.name}"]`)) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
});

document.getElementById("copy-spec").addEventListener("click", async (event) => {
  const spec = document.getElementById("spec");
  if (!spec) return;
  const label = event.currentTarget.querySelector("span");
  try {
    await navigator.clipboard.writeText(spec.textContent);
    label.textContent = "Copied";
  } catch { // no clipboard without HTTPS, except on this machine
    getSelection().selectAllChildren(spec);
    label.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => (label.textContent = "Copy"), 2500);
});
