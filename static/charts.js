// Draws the figures that the server built, in the colours of the page, and moves their lines as epochs arrive.
// A figure lies in <script type="application/json"> beside its <div class="chart" data-chart="test_loss">.

import "./vendor/plotly-cartesian.min.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };
const MARKED_MS = 600_000;
const TOKEN = /^var\((--[\w-]+)\)$/;

export const chartOf = (key) => document.querySelector(`.chart[data-chart="${key}"]`);

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

const known = new Map(); // colours that were resolved already: each asks the browser for styles and a pixel

// Any CSS colour, such as var(--ink) or what light-dark() and color-mix() make, as the rgb() that Plotly understands.
function resolved(colour) {
  if (!known.has(colour)) known.set(colour, asPixel(colour));
  return known.get(colour);
}

function asPixel(colour) {
  const probe = document.createElement("span");
  probe.style.color = colour;
  document.body.append(probe);
  pixel.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

const themed = (value) => {
  if (typeof value === "string") return TOKEN.test(value) ? resolved(value) : value;
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, themed(inner)]));
};

function themedLayout(layout) {
  const [ink, grid] = [resolved("var(--ink-2)"), resolved("var(--line)")];
  const axis = { gridcolor: grid, linecolor: grid, tickcolor: grid, automargin: false };
  return {
    ...themed(layout),
    shapes: (layout.shapes ?? []).map(themed),
    annotations: (layout.annotations ?? []).map(themed),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 12 },
    hoverlabel: { bgcolor: resolved("var(--panel)"), bordercolor: grid, font: { color: resolved("var(--ink)") } },
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
  };
}

const ARRAYS = { u1: Uint8Array, f4: Float32Array };

// Many numbers come as bytes in base64, as Plotly too would take them: whoever looks at them here finds numbers.
function unpacked({ dtype, bdata }) {
  const text = atob(bdata);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return new ARRAYS[dtype](bytes.buffer);
}

// What is to be drawn in place of what is there.
export function show(chart, figure) {
  for (const trace of figure.data) if (trace.x?.bdata) Object.assign(trace, { x: unpacked(trace.x), y: unpacked(trace.y) });
  chart.figure = figure;
  draw(chart);
}

function draw(chart) {
  const data = chart.figure.data.map((trace) => themed(trace));
  data.forEach((trace, index) => Object.assign(trace, { x: chart.figure.data[index].x, y: chart.figure.data[index].y }));
  for (const trace of data) if (trace.meta?.parts) trace.text = trace.meta.parts.flatMap(([, name, , length]) => Array(length).fill(name));
  const layout = themedLayout(chart.figure.layout);
  if (!matchMedia("(pointer: fine)").matches) layout.dragmode = false; // a finger scrolls the page
  Plotly.react(chart, data, layout, layout.dragmode ? { ...CONFIG, doubleClick: "reset" } : CONFIG);
  drawn(chart);
}

// Tells tests and styles how many points are on the screen; marks, which the browser keeps, only while the page is young.
function drawn(chart) {
  const points = chart.data[0]?.x ?? [];
  chart.dataset.pointsDrawn = points.length;
  chart.dataset.epochsDrawn = points.at(-1) ?? 0;
  if (performance.now() < MARKED_MS) performance.mark(`drawn:${chart.dataset.chart}:${chart.dataset.epochsDrawn}`);
}

export function drawAll() {
  const charts = [...document.querySelectorAll(".chart")];
  for (const chart of charts) {
    show(chart, JSON.parse(document.getElementById(`figure-${chart.dataset.chart}`).textContent));
  }
  const redraw = () => {
    known.clear();
    charts.forEach(redrawInTheme);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

function redrawInTheme(chart) {
  chart.figure.data.forEach((trace, index) => Object.assign(trace, { x: chart.data[index].x, y: chart.data[index].y }));
  chart.figure.layout.xaxis.range = chart.layout.xaxis.range;
  draw(chart);
}

// One more point on every line of the chart whose figure the epoch has; the ring follows where the last is selected.
export function extendWithEpoch(chart, epoch, lastIsSelected) {
  const traces = chart.data.map((trace, index) => ({ index, metric: trace.meta, points: trace.x }));
  if (traces[0].points.at(-1) >= epoch.epoch) return; // the server had drawn it already
  const lines = traces.filter(({ metric }) => metric in epoch);
  const ring = lastIsSelected ? traces.filter(({ metric }) => metric === "selected") : [];
  const values = [...lines.map(({ metric }) => epoch[metric]), ...ring.map(() => epoch[traces[0].metric])];
  const limits = [...lines.map(() => -1), ...ring.map(() => 1)];
  Plotly.extendTraces(
    chart,
    { x: values.map(() => [epoch.epoch]), y: values.map((value) => [value]) },
    [...lines, ...ring].map(({ index }) => index),
    { x: limits, y: limits },
  );
  drawn(chart);
}

export function ringAt(chart, epoch) {
  const ring = chart.data.findIndex((trace) => trace.meta === "selected");
  const at = chart.data[0].x.indexOf(epoch);
  if (ring < 0 || at < 0 || chart.data[ring].x[0] === epoch) return;
  Plotly.restyle(chart, { x: [[epoch]], y: [[chart.data[0].y[at]]] }, [ring]);
}

export function extendWithStep(chart, [step, loss], stepsPerEpoch) {
  if (chart.data[0].x.at(-1) >= step) return;
  chart.layout.xaxis.range = [0, stepsPerEpoch];
  Plotly.extendTraces(chart, { x: [[step]], y: [[loss]] }, [0]);
  drawn(chart);
}

export function clearSteps(chart) {
  Plotly.restyle(chart, { x: [[]], y: [[]] }, [0]);
  drawn(chart);
}
