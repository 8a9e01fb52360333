// The Compare page: draws its figures; fetches itself again when the view changes and, at most once a second, while runs are
// under way. What did not change stays as it is.
import { highlight, pointed, watch } from "./belonging.js";
import { drawAll, show } from "./charts.js";
import "./live.js";
import { say } from "./notice.js";
import { released } from "./press.js";

const REFRESH_MS = 1000;
const page = document.getElementById("compare");
const charts = [...page.querySelectorAll(".chart")];
const now = () => page.querySelector("[data-now]")?.dataset ?? { runs: "", title: document.title };
const parts = new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.id, part.innerHTML])); // as the server sent them

const opened = new Set(); // groups whose seeds are unfolded

function expand() {
  for (const button of page.querySelectorAll("[data-expand]")) {
    const group = button.closest("[data-group]");
    const isOpen = opened.has(group.dataset.group);
    button.setAttribute("aria-expanded", isOpen);
    for (const row of group.querySelectorAll(".seed-row")) row.hidden = !isOpen;
  }
}

// --- figures ---

const figureOf = (chart) => document.getElementById(`figure-${chart.dataset.chart}`);

function drawn(chart) {
  const lines = chart.data.filter(({ meta, hoverinfo, x }) => !meta.groups && hoverinfo !== "skip" && x.length);
  chart.dataset.linesDrawn = lines.flatMap(({ meta }) => meta.parts?.filter(([, , , length]) => length > 1) ?? [meta]).length;
}

// --- the page as it is now ---

let timer, lastRefresh = 0;
let view = location.search; // what is on the screen
let isFetching = false;
let isStale = false; // something happened while it was on its way

function refreshSoon() {
  timer ??= setTimeout(refresh, Math.max(50, lastRefresh + REFRESH_MS - performance.now()));
}

async function answerOf(address) {
  try {
    const response = await fetch(address);
    return { isRefused: !response.ok, text: await response.text() };
  } catch {
    return null;
  }
}

async function refresh() {
  clearTimeout(timer);
  timer = undefined;
  if (isFetching) return void (isStale = true);
  isFetching = true;
  lastRefresh = performance.now();
  const { search } = location;
  try {
    const answer = await answerOf(page.dataset.nowUrl + search);
    if (answer?.isRefused) say(answer.text);
    else if (answer) {
      await released(page);
      if (search === location.search) arrived(new DOMParser().parseFromString(answer.text, "text/html"));
    } else isStale = true; // live.js says that the server is away
  } finally {
    isFetching = false;
    if (isStale || search !== location.search) refreshSoon();
    isStale = false;
  }
}

const FOCUSABLE = "a, button, input, select, summary, [tabindex]";

// Fills a part anew; what was unfolded, typed, scrolled or in focus there is so again.
function replace(old, html) {
  const all = (selector) => [...old.querySelectorAll(selector)];
  const unfolded = all("details[open]").map(({ id }) => id);
  const typed = all("input[type=number]").filter(({ value, defaultValue }) => value !== defaultValue);
  const scrolled = all(".table-scroll").map(({ scrollLeft }) => scrollLeft);
  const { activeElement } = document;
  const place = all(FOCUSABLE).indexOf(activeElement);
  old.innerHTML = html;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  for (const { id, value } of typed) Object.assign(document.getElementById(id) ?? {}, { value });
  all(".table-scroll").forEach((one, at) => (one.scrollLeft = scrolled[at] ?? 0));
  expand();
  if (place >= 0) (document.getElementById(activeElement.id) ?? all(FOCUSABLE)[place])?.focus({ preventScroll: true });
}

function arrived(fresh) {
  if (fresh.querySelectorAll(".chart").length !== charts.length) return location.reload(); // nothing is left, or something came
  const pointedAt = pointed;
  view = location.search;
  for (const input of fresh.querySelectorAll("[name=launch_key]")) input.setAttribute("value", page.dataset.launchKey); // else all forms would be new
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || parts.get(part.id) === part.innerHTML) continue;
    parts.set(part.id, part.innerHTML);
    replace(old, part.innerHTML);
  }
  for (const chart of charts) {
    const figure = fresh.getElementById(`figure-${chart.dataset.chart}`).textContent;
    if (figure === figureOf(chart).textContent) continue;
    figureOf(chart).textContent = figure;
    show(chart, JSON.parse(figure));
    drawn(chart);
  }
  document.title = now().title;
  highlight(pointedAt);
}

// Links and forms hold the view they were drawn for. Pressed before the one asked for last is here, one changes that.
function onto(address) {
  if (view === location.search) return address;
  const [drawn, asked, newest] = [view, new URL(address).search, location.search].map((text) => new URLSearchParams(text));
  for (const name of new Set([...drawn.keys(), ...asked.keys()])) {
    if (drawn.get(name) === asked.get(name)) continue;
    if (asked.has(name)) newest.set(name, asked.get(name));
    else newest.delete(name);
  }
  return `${location.pathname}?${newest.toString().replaceAll("%2C", ",")}`;
}

function go(address) {
  history.pushState(null, "", onto(address));
  refresh();
}

function asked(form) {
  const said = new FormData(form);
  return [...new Set(said.keys())].map((name) => `${name}=${said.getAll(name).join(",")}`).join("&");
}

const about = ({ run }) => now().runs.split(",").includes(String(run));
const mayJoin = ({ state, restored }) => "mayGrow" in now() && (state === "queued" || restored); // another run of the experiment

document.addEventListener("trainyard:epoch", ({ detail }) => about(detail) && refreshSoon());
for (const kind of ["state", "changed", "deleted", "purged"]) {
  document.addEventListener(`trainyard:${kind}`, ({ detail }) => (about(detail) || mayJoin(detail)) && refreshSoon());
}

page.addEventListener("click", (event) => {
  const button = event.target.closest("[data-expand]");
  const link = event.target.closest("a[data-view]");
  if (button) {
    const { group } = button.closest("[data-group]").dataset;
    opened.delete(group) || opened.add(group);
    expand();
  } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    go(link.href);
  }
});
for (const kind of ["change", "submit"]) {
  page.addEventListener(kind, (event) => {
    const form = event.target.closest("form[data-view]");
    if (!form) return;
    event.preventDefault();
    go(`${form.action}?${asked(form)}`);
  });
}
window.addEventListener("popstate", () => location.search !== view && refresh()); // not for a jump within the page

if (charts.length) {
  drawAll();
  charts.forEach(drawn);
  charts.forEach(watch);
}
