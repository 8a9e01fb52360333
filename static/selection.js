// The runs that are ticked in the list. They stay so while the list is fetched again, also where it no longer shows them.
const bar = document.getElementById("bulk");
const said = document.getElementById("bulk-said");
const told = document.getElementById("selected");
const compare = document.getElementById("compare");
const selectMatching = document.getElementById("select-matching");
const MOST = 1000; // that are changed at once: core/bulk.py

const chosen = new Map(); // id, as text, to the state as the page names it
let last = null; // the one ticked last: where a range begins, and where the focus goes back to

const list = () => document.getElementById("runs");
const boxes = () => [...list().querySelectorAll(".pick")];
const stateOf = (box) => box.closest("tr").querySelector(".cell-state [data-state]").dataset.state;
const put = (box, isChosen) => (isChosen ? chosen.set(box.value, stateOf(box)) : chosen.delete(box.value));
const focusAction = () => bar.querySelector(".actions .button:not([hidden], :disabled)").focus();
const focusBox = () => (document.getElementById(`pick-${last}`) ?? document.querySelector(".pick"))?.focus();

/** Ticks what is chosen in the list as it is now, and says in the bar how many are and what can be done. */
export function showSelection() {
  const shown = boxes();
  for (const box of shown) {
    box.checked = chosen.has(box.value);
    if (box.checked) chosen.set(box.value, stateOf(box));
  }
  const ticked = shown.filter((box) => box.checked).length;
  const all = document.getElementById("pick-all");
  if (all) {
    all.checked = ticked > 0 && ticked === shown.length;
    all.indeterminate = ticked > 0 && !all.checked;
  }
  sessionStorage.setItem("selection", JSON.stringify([...chosen]));
  bar.classList.toggle("is-open", chosen.size > 0);
  const hidden = chosen.size - ticked;
  const words = chosen.size ? `${chosen.size} selected${hidden ? `, ${hidden} not shown` : ""}` : "";
  if (told.textContent !== words) told.textContent = words;
  compare.href = `${compare.pathname}?runs=${[...chosen.keys()].join()}`;
  const states = new Set(chosen.values());
  for (const button of bar.querySelectorAll("[data-for]")) {
    button.disabled = !button.dataset.for.split(" ").some((state) => states.has(state));
  }
  if (chosen.size && document.activeElement.matches(":disabled")) focusAction();
  const { numMatching } = list().dataset;
  selectMatching.hidden = chosen.size >= Math.min(numMatching, MOST);
  selectMatching.textContent = numMatching > MOST ? `Select the first ${MOST}` : `Select all ${numMatching}`;
}

function pick(box, isRange) {
  const shown = boxes();
  const from = isRange ? shown.findIndex(({ value }) => value === last) : -1;
  const ends = from < 0 ? [box] : [shown[from], box];
  const [first, final] = ends.map((end) => shown.indexOf(end)).sort((a, b) => a - b);
  for (const each of shown.slice(first, (final ?? first) + 1)) put(each, box.checked);
  last = box.value;
}

async function chooseMatching() {
  const answer = await fetch(list().dataset.idsUrl);
  if (answer.ok) for (const [id, state] of Object.entries(await answer.json())) chosen.set(id, state);
  showSelection();
  focusAction(); // the button that was pressed is gone
}

function clear() {
  chosen.clear();
  showSelection();
  focusBox();
}

document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.matches(".pick")) pick(target, shiftKey);
  else if (target.id === "pick-all") boxes().forEach((box) => put(box, target.checked));
  else if (target.id === "close-said") return said.replaceChildren(), focusBox();
  else return;
  said.replaceChildren(); // what was said is of another selection
  showSelection();
});
document.addEventListener("mousedown", (event) => event.shiftKey && event.target.matches(".pick") && event.preventDefault()); // selects no text
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".pick, #pick-all")) {
    event.preventDefault(); // it would press the form's first button
    if (chosen.size) focusAction();
  } else if (event.key === "Escape" && event.target.closest(".selection-bar")) focusBox();
});
selectMatching.addEventListener("click", chooseMatching);
document.getElementById("clear-selection").addEventListener("click", clear);

for (const kind of ["deleted", "purged"]) {
  document.addEventListener(`trainyard:${kind}`, ({ detail }) => chosen.delete(String(detail.run)) && showSelection());
}
document.addEventListener("trainyard:state", ({ detail: { run, state } }) => {
  if (!chosen.has(String(run))) return;
  chosen.set(String(run), state); // where the list shows it, the list knows better
  showSelection();
});
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt === bar) detail.parameters.ids = [...chosen.keys()].join();
});
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.elt === bar && document.getElementById("tag-dialog").close());
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target !== said) return; // not sooner: htmx knows the Undo form only now
  const hadFocus = bar.contains(document.activeElement) || document.activeElement === document.body;
  for (const id of (said.querySelector("[data-gone]")?.dataset.gone ?? "").split(" ")) chosen.delete(id);
  showSelection();
  if (hadFocus && !chosen.size) (document.getElementById("undo") ?? document.getElementById("close-said")).focus();
});

for (const element of [compare, document.getElementById("clear-selection")]) element.hidden = false;
// Back from Compare, and after a reload, it is as it was left; a new visit begins with none.
const isReturn = performance.getEntriesByType("navigation")[0].type !== "navigate";
for (const [id, state] of (isReturn && JSON.parse(sessionStorage.getItem("selection"))) || []) chosen.set(id, state);
showSelection();
