// The figures of parameters and prices on the Compare page: drawn when they come into sight, and anew when compare.js has put
// fresh ones in their place; a point leads to its runs, and what belongs to its group stands out.
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

function drawn(plot) {
  show(plot, JSON.parse(document.getElementById(`figure-${plot.dataset.plot}`).textContent));
  plot.on("plotly_click", ({ points: [{ customdata, data }] }) => {
    const address = customdata?.at(-1) ?? data.meta?.address;
    if (address) location.assign(address);
  });
  plot.on("plotly_hover", ({ points: [{ data }] }) => standOut(data.meta?.group));
  plot.on("plotly_unhover", () => standOut(null));
}

function standOut(group) {
  for (const plot of plots()) {
    for (const { uid, meta } of plot.data ?? []) {
      if (meta?.group) plot.querySelector(`.trace${uid}`)?.classList.toggle("is-faded", Boolean(group) && meta.group !== group);
    }
  }
}

const groupOf = (target) => target.closest?.("[data-group]")?.dataset.group ?? null;
for (const kind of ["pointerover", "focusin"]) {
  page.addEventListener(kind, ({ target }) => target.closest?.(".plot") || standOut(groupOf(target)));
}

const watch = (root) => root.querySelectorAll(".plot").forEach((plot) => inSight.observe(plot));

new MutationObserver((changes) => {
  for (const { addedNodes, removedNodes } of changes) {
    for (const node of removedNodes) node.querySelectorAll?.(".js-plotly-plot").forEach((plot) => Plotly.purge(plot));
    for (const node of addedNodes) if (node.querySelectorAll && !node.closest(".plot")) watch(node);
  }
}).observe(page, { childList: true, subtree: true });
watch(page);

const redraw = () => plots().forEach((plot) => plot.figure && show(plot, plot.figure));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
