// What belongs together on the Compare page stands out, in tables, verdicts and curves: the group under the pointer or at the
// focus, and those that were pressed in the legend, in the table or on a curve, until they are pressed again.
const page = document.getElementById("compare");
const charts = [...page.querySelectorAll(".chart")];
export const kept = new Set(); // groups that were pressed
export let pointed = null; // {group, run}: run only where one seed is meant
let marked = [];

function belongs(meta, { group, run }) {
  if (meta.groups) return !run && meta.groups.includes(group);
  return meta.group === group && (!run || !meta.run || meta.run === run);
}

// Where hundreds of lines share traces, those that are meant are drawn once more, over them.
function outline(chart, shown) {
  for (const old of chart.querySelectorAll(".only-line")) old.remove();
  if (!shown.length || !chart.data) return;
  const { xaxis, yaxis } = chart._fullLayout;
  for (const { meta, hoverinfo, x, y } of chart.data) {
    let start = 0;
    for (const [group, , run, length] of (hoverinfo !== "skip" && meta.parts) || []) {
      if (shown.some((which) => group === which.group && (!which.run || !run || run === which.run))) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        const points = [...Array(length).keys()].map((at) => start + at).filter((at) => Number.isFinite(y[at]));
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

// Also after a refresh, which brings new elements in place of those that were marked.
export function highlight(which = pointed) {
  for (const one of marked) one.classList.remove("is-on");
  pointed = which;
  const shown = [...[...kept].map((group) => ({ group })), ...(which ? [which] : [])];
  marked = shown.flatMap(({ group, run }) => [...page.querySelectorAll(`[data-group="${group}"]${run ? `, [data-run="${run}"]` : ""}`)]);
  for (const chart of charts) {
    outline(chart, shown);
    const lines = chart.data?.filter(({ meta }) => shown.some((one) => belongs(meta, one))) ?? [];
    const own = lines.map(({ uid }) => chart.querySelector(`.trace${uid}`)).filter(Boolean);
    chart.classList.toggle("has-on", own.length > 0 || chart.querySelector(".only-line") !== null); // the others stand back
    marked.push(...own);
  }
  for (const one of marked) one.classList.add("is-on");
  for (const button of page.querySelectorAll("[data-keep]")) button.setAttribute("aria-pressed", kept.has(meant(button).group));
}

function meant(element) {
  const { group } = element.closest("[data-group]")?.dataset ?? {};
  return group ? { group, run: Number(element.closest("[data-run]")?.dataset.run) || undefined } : null;
}

// What the keyboard is at counts where the pointer is at nothing, as when the page grows under it.
const focused = () => (document.activeElement.matches(":focus-visible") ? meant(document.activeElement) : null);

function point({ target, type, pointerType }) {
  if (type !== "click" && pointerType === "touch") return; // a finger that scrolls means nothing; a tap is a click
  const which = meant(target) ?? focused();
  if (!target.closest(".chart") && (which?.group !== pointed?.group || which?.run !== pointed?.run)) highlight(which);
}

function keep(group) {
  kept.delete(group) || kept.add(group);
}

page.addEventListener("click", (event) => {
  const button = event.target.closest("[data-keep]");
  if (button) keep(meant(button).group);
  if (button) highlight(event.pointerType === "touch" ? null : pointed);
  else if (event.pointerType === "touch") point(event);
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !kept.size) return;
  kept.clear();
  highlight();
});
for (const kind of ["pointerover", "focusin"]) page.addEventListener(kind, point);
page.addEventListener("pointerleave", ({ pointerType }) => pointerType !== "touch" && highlight(focused()));
page.addEventListener("focusout", () => highlight(null));

export function watch(chart) {
  const at = ({ points: [{ data: { meta }, pointNumber }] }) => (meta.parts ? partAt(meta, pointNumber) : [meta.group ?? meta.groups[0], "", meta.run]);
  chart.on("plotly_hover", (event) => {
    const [group, , run] = at(event);
    highlight({ group, run: run ?? undefined });
  });
  chart.on("plotly_unhover", () => highlight(focused()));
  chart.on("plotly_click", (event) => {
    keep(at(event)[0]);
    highlight();
  });
}
