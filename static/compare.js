// The Compare page: draws its figures; shows what belongs together under the pointer or the focus; fetches itself again when
// the view changes and, at most once a second, while runs are under way. What did not change stays as it is.
import { drawAll, show } from "./charts.js";
import "./live.js";
import { say } from "./notice.js";

const REFRESH_MS = 1000;
const page = document.getElementById("compare");
const charts = [...page.querySelectorAll(".chart")];
const now = () => page.querySelector("[data-now]")?.dataset ?? { runs: "", title: document.title };
const parts = new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.id, part.innerHTML])); // as the server sent them

// --- what belongs together stands out ---

let shown = null; // {group, run}: run only where one seed is meant
let marked = [];
const opened = new Set(); // groups whose seeds are unfolded

function belongs(meta, { group, run }) {
  if (meta.groups) return !run && meta.groups.includes(group);
  return meta.group === group && (!run || !meta.run || meta.run === run);
}

// Where hundreds of lines share traces, the one that is meant is drawn once more, over them.
function outline(chart, which) {
  for (const old of chart.querySelectorAll(".only-line")) old.remove();
  if (!which || !chart.data) return;
  const { xaxis, yaxis } = chart._fullLayout;
  for (const { meta, hoverinfo, x, y } of chart.data) {
    let start = 0;
    for (const [group, , run, length] of (hoverinfo !== "skip" && meta.parts) || []) {
      if (group === which.group && (!which.run || !run || run === which.run)) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        const points = [...Array(length).keys()].map((at) => start + at).filter((at) => y[at] !== null && x[at] !== null);
        const place = (at) => `${(xaxis._offset + xaxis.c2p(x[at])).toFixed(1)} ${(yaxis._offset + yaxis.c2p(y[at])).toFixed(1)}`;
        line.setAttribute("d", points.map((at) => (points.includes(at - 1) ? "L" : "M") + place(at)).join(""));
        line.setAttribute("class", "only-line");
        chart.querySelector(".main-svg").append(line);
      }
      start += length;
    }
  }
}

function partAt({ parts }, point) {
  let start = 0;
  return parts.find(([, , , length]) => point < (start += length));
}

function highlight(which) {
  for (const one of marked) one.classList.remove("is-on");
  marked = which ? [...page.querySelectorAll(`[data-group="${which.group}"]`)] : [];
  shown = marked.length ? which : null; // a refresh may have taken it away
  if (shown?.run) marked.push(...page.querySelectorAll(`[data-run="${shown.run}"]`));
  for (const chart of charts) {
    outline(chart, shown);
    const lines = shown && chart.data ? chart.data.filter(({ meta }) => belongs(meta, shown)) : [];
    const own = lines.map(({ uid }) => chart.querySelector(`.trace${uid}`)).filter(Boolean);
    chart.classList.toggle("has-on", own.length > 0 || chart.querySelector(".only-line") !== null); // the others stand back
    marked.push(...own);
  }
  for (const one of marked) one.classList.add("is-on");
}

function meant(element) {
  const { group } = element.closest("[data-group]")?.dataset ?? {};
  return group ? { group, run: Number(element.closest("[data-run]")?.dataset.run) || undefined } : null;
}

// What the keyboard is at counts where the pointer is at nothing, as when the page grows under it.
const focused = () => (document.activeElement.matches(":focus-visible") ? meant(document.activeElement) : null);

function pointed({ target, type, pointerType }) {
  if (type !== "click" && pointerType === "touch") return; // a finger that scrolls means nothing; a tap is a click
  const which = meant(target) ?? focused();
  if (!target.closest(".chart") && (which?.group !== shown?.group || which?.run !== shown?.run)) highlight(which);
}

for (const kind of ["pointerover", "focusin"]) page.addEventListener(kind, pointed);
page.addEventListener("pointerleave", ({ pointerType }) => pointerType !== "touch" && highlight(focused()));
page.addEventListener("focusout", () => highlight(null));

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

function watch(chart) {
  drawn(chart);
  chart.on("plotly_hover", ({ points: [{ data: { meta }, pointNumber }] }) => {
    const [group, , run] = meta.parts ? partAt(meta, pointNumber) : [meta.group ?? meta.groups[0], "", meta.run];
    highlight({ group, run: run ?? undefined });
  });
  chart.on("plotly_unhover", () => highlight(focused()));
}

// --- the page as it is now ---

let timer, lastRefresh = 0;
let view = location.search; // what is on the screen
let isFetching = false;
let isStale = false; // something happened while it was on its way

function refreshSoon() {
  timer ??= setTimeout(refresh, Math.max(50, lastRefresh + REFRESH_MS - performance.now()));
}

async function refresh() {
  clearTimeout(timer);
  timer = undefined;
  if (isFetching) return void (isStale = true);
  isFetching = true;
  lastRefresh = performance.now();
  const { search } = location;
  try {
    const response = await fetch(page.dataset.nowUrl + search);
    const text = await response.text();
    if (!response.ok) say(text);
    else if (search === location.search) arrived(new DOMParser().parseFromString(text, "text/html"));
  } catch {
    isStale = true; // live.js says that the server is away
  } finally {
    isFetching = false;
    if (isStale || search !== location.search) refreshSoon();
    isStale = false;
  }
}

function arrived(fresh) {
  if (fresh.querySelectorAll(".chart").length !== charts.length) return location.reload(); // nothing is left, or something came
  const [focusedId, pointedAt] = [document.activeElement?.id, shown];
  view = location.search;
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || parts.get(part.id) === part.innerHTML) continue;
    parts.set(part.id, part.innerHTML);
    const unfolded = [...old.querySelectorAll("details[open]")].map(({ id }) => id);
    old.innerHTML = part.innerHTML;
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  }
  for (const chart of charts) {
    const figure = fresh.getElementById(`figure-${chart.dataset.chart}`).textContent;
    if (figure === figureOf(chart).textContent) continue;
    figureOf(chart).textContent = figure;
    show(chart, JSON.parse(figure));
    drawn(chart);
  }
  document.title = now().title;
  expand();
  if (focusedId && document.activeElement?.id !== focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
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
  if (event.pointerType === "touch") pointed(event);
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
  charts.forEach(watch);
}
