// The figures of parameters and prices on the Compare page: drawn when they come into sight, and moved on where compare.js has
// put fresh ones in their place; a point leads to its runs, and what belongs to its group stands out.
import { kept } from "./belonging.js";
import { show } from "./charts.js";

const page = document.getElementById("compare");
const plots = () => [...page.querySelectorAll(".plot")];
const inSight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      inSight.unobserve(target);
      drawn(target);
    }
  },
  { rootMargin: "300px" },
);

function shown(plot) {
  const text = document.getElementById(`figure-${plot.dataset.plot}`).textContent;
  if (plot.shownText === text) return;
  plot.shownText = text;
  show(plot, JSON.parse(text));
}

function drawn(plot) {
  shown(plot);
  plot.on("plotly_click", ({ points: [{ customdata, data }] }) => {
    const address = customdata?.at(-1) ?? data.meta?.address;
    if (address) location.assign(address);
  });
  plot.on("plotly_hover", ({ points: [{ data }] }) => standOut(data.meta?.group));
  plot.on("plotly_unhover", () => standOut(null));
}

function standOut(group) {
  const shown = new Set([...kept, ...(group ? [group] : [])]);
  for (const plot of plots()) {
    for (const { uid, meta } of plot.data ?? []) {
      if (meta?.group) plot.querySelector(`.trace${uid}`)?.classList.toggle("is-faded", shown.size > 0 && !shown.has(meta.group));
    }
  }
}

const groupOf = (target) => target.closest?.("[data-group]")?.dataset.group ?? null;
for (const kind of ["pointerover", "focusin"]) {
  page.addEventListener(kind, ({ target }) => target.closest?.(".plot") || standOut(groupOf(target)));
}

const inside = (nodes, selector) => [...nodes].flatMap((node) => [...(node.querySelectorAll?.(selector) ?? [])]);

// Before anything is painted: a drawn figure comes back to the place from which its section was swapped, so none flickers.
new MutationObserver((changes) => {
  const swaps = changes.filter(({ target }) => !target.closest(".plot"));
  const before = new Map(swaps.flatMap(({ removedNodes }) => inside(removedNodes, ".js-plotly-plot").map((plot) => [plot.dataset.plot, plot])));
  for (const plot of swaps.flatMap(({ addedNodes }) => inside(addedNodes, ".plot:not(.js-plotly-plot)"))) {
    const old = before.get(plot.dataset.plot);
    before.delete(plot.dataset.plot);
    if (!old) inSight.observe(plot);
    else plot.replaceWith(old) || shown(old);
  }
  for (const plot of before.values()) Plotly.purge(plot);
}).observe(page, { childList: true, subtree: true });
plots().forEach((plot) => inSight.observe(plot));

const redraw = () => plots().forEach((plot) => plot.figure && show(plot, plot.figure));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
