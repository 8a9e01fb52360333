// Try it: strokes on the pad, an image from elsewhere or a test image go to the server, and the newest answer is shown.
import "./live.js";
import { say as sayProblem, tell as notice } from "./notice.js";

const page = document.getElementById("try");
const answers = document.getElementById("answers");
const pad = document.getElementById("pad");
const SEND_MS = 60; // between two images of one stroke
const MOST_BYTES = 2 ** 20; // that the server takes, and pixels; a larger file is made smaller here
const MOST_PIXELS = 2 ** 21;
const SHRUNK_SIDE = 512; // a PNG of so many pixels stays below MOST_BYTES, and keeps what is transparent
const CELL = 10; // of the pad's 280 pixels: one step of the pen by keyboard
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

// --- the newest image, and its answer: what is under way when a newer one comes is given up ---

let image = null; // a Blob, or null: the test image of the address
let asking = null;
let timer = 0;
let isDue = false;

const say = (id, words) => (document.getElementById(id).textContent = words);

async function ask() {
  asking?.abort();
  const ours = (asking = new AbortController());
  answers.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(page.dataset.answersUrl + location.search, { method: "POST", body: image, signal: ours.signal, headers: { "HX-Request": "true" } });
    const html = await answer.text();
    if (ours !== asking) return;
    if (answer.headers.has("HX-Redirect")) return location.assign(answer.headers.get("HX-Redirect"));
    if (answer.ok || answer.status === 422) {
      document.getElementById("notice").hidden = true;
      return swap(html);
    }
    sayProblem(html);
  } catch (error) {
    if (error.name === "AbortError") return;
    notice("The server did not answer. Draw on, or try again.");
  }
  answers.setAttribute("aria-busy", "false");
}

/** What had the focus has it again. */
function swap(html) {
  const focused = answers.contains(document.activeElement) && document.activeElement.getAttribute("href");
  answers.innerHTML = html;
  if (focused) [...answers.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
  answers.setAttribute("aria-busy", String(isDue));
  tell();
}

/** At once, and while more comes, once in SEND_MS: the last is always sent. */
function askSoon() {
  answers.setAttribute("aria-busy", "true");
  if (timer) return (isDue = true);
  send();
  timer = setTimeout(() => {
    timer = 0;
    if (isDue) askSoon();
  }, SEND_MS);
}

function send() {
  isDue = false;
  if (source === pad) image = drawn();
  return ask();
}

/** The pad as it is now. Not by toBlob: a busy browser takes seconds for it, and may give an older copy after a newer one. */
function drawn() {
  const png = atob(pad.toDataURL("image/png").split(",")[1]);
  return new Blob([Uint8Array.from(png, (byte) => byte.charCodeAt(0))], { type: "image/png" });
}

let isDrawing = false; // by pointer
/** To those who do not see: once the pen is lifted. */
const tell = () => isDrawing || isDue || say("try-said", answers.querySelector("[data-agreement]")?.dataset.agreement ?? "");

let source = null;
let numShown = 0;
function show(newSource, blob = null) {
  numShown += 1;
  source = newSource;
  image = blob;
  if (newSource !== "sample") mark(null);
  if (newSource !== "sample") address("kept", "");
  keep.hidden = newSource === "sample";
  say("keep-said", "");
  askSoon();
}

// --- the gallery ---

const keep = document.getElementById("try-keep");
keep?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = new URLSearchParams(location.search);
  asked.set("label", document.getElementById("keep-label").value);
  try {
    const answer = await fetch(`${keep.dataset.url}?${asked}`, { method: "POST", body: image, headers: { "HX-Request": "true" } });
    const html = await answer.text();
    if (answer.ok || answer.status === 422) document.getElementById("keep-said").innerHTML = html;
    else sayProblem(html);
  } catch {
    notice("The server did not answer, so the image was not kept. Try again.");
  }
});

// --- the pad ---

const strokes = []; // each: its width, and points in the pad's pixels
const pen = { x: 14, y: 14, isDown: false }; // by keyboard, in cells
const brush = document.getElementById("pad-brush");

function draw(withPen = document.activeElement === pad && pad.matches(":focus-visible")) {
  const lines = pad.getContext("2d");
  lines.fillStyle = "#000";
  lines.fillRect(0, 0, pad.width, pad.height);
  lines.strokeStyle = lines.fillStyle = "#fff";
  lines.lineCap = lines.lineJoin = "round";
  for (const { width, points } of strokes) {
    lines.lineWidth = width;
    lines.beginPath();
    lines.arc(...points[0], width / 2, 0, 2 * Math.PI); // a tap is a dot: a line of no length would be nothing
    lines.fill();
    lines.beginPath();
    for (const point of points) lines.lineTo(...point);
    lines.stroke();
  }
  pad.parentElement.classList.toggle("is-empty", strokes.length === 0);
  const marker = document.getElementById("pad-pen");
  if (!marker) return;
  marker.hidden = !withPen;
  marker.style.left = `${(100 * (pen.x + 0.5) * CELL) / pad.width}%`;
  marker.style.top = `${(100 * (pen.y + 0.5) * CELL) / pad.height}%`;
  marker.classList.toggle("is-down", pen.isDown);
}

function change(act) {
  act();
  draw();
  show(pad);
}

if (pad) {
  const frame = document.createElement("div");
  frame.className = "try-frame";
  pad.replaceWith(frame);
  const marker = document.createElement("i");
  marker.id = "pad-pen";
  frame.append(pad, marker);

  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * pad.width) / box.width, ((event.clientY - box.top) * pad.height) / box.height];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return;
    pad.setPointerCapture(event.pointerId);
    lift(); // of the keyboard's pen
    isDrawing = true;
    change(() => strokes.push({ width: Number(brush.value), points: [at(event)] }));
  });
  pad.addEventListener("pointermove", (event) => {
    if (!isDrawing || !event.isPrimary) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    change(() => strokes.at(-1).points.push(...(moves.length ? moves : [event]).map(at)));
  });
  for (const kind of ["pointerup", "pointercancel"])
    pad.addEventListener(kind, (event) => {
      if (!isDrawing || !event.isPrimary) return; // a second finger, or the palm
      isDrawing = false;
      askSoon();
    });

  pad.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (step) {
      const far = event.shiftKey ? 4 : 1;
      pen.x = Math.min(27, Math.max(0, pen.x + far * step[0]));
      pen.y = Math.min(27, Math.max(0, pen.y + far * step[1]));
      if (pen.isDown) change(() => strokes.at(-1).points.push(penPoint()));
    } else if (event.key === " ") {
      pen.isDown = !pen.isDown;
      if (pen.isDown) change(() => strokes.push({ width: Number(brush.value), points: [penPoint()] }));
    } else if (event.key === "Backspace") undo();
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault();
    draw();
    say("pad-said", `Column ${pen.x + 1}, row ${pen.y + 1}, pen ${pen.isDown ? "down" : "up"}.`);
  });
  for (const kind of ["focus", "blur"]) pad.addEventListener(kind, () => draw());
  document.getElementById("pad-undo").addEventListener("click", undo);
  document.getElementById("pad-clear").addEventListener("click", clear);
  draw();
}

function penPoint() {
  return [(pen.x + 0.5) * CELL, (pen.y + 0.5) * CELL];
}

/** Ends the stroke that is being drawn: nothing is added to it, nor to the one before. */
function lift() {
  isDrawing = pen.isDown = false;
}

function undo() {
  lift();
  if (strokes.length) change(() => strokes.pop());
}

function clear() {
  lift();
  if (strokes.length) change(() => strokes.splice(0));
}

/** What was drawn gives way to another image. */
function wipe() {
  lift();
  strokes.splice(0);
  if (pad) draw();
}

// --- images from elsewhere ---

async function take(file) {
  if (!file) return;
  if (!file.type.startsWith("image/")) return notice("That is no image. Take a PNG, JPEG or WebP.");
  wipe();
  const ours = (numShown += 1);
  const small = await shrunk(file);
  if (ours === numShown) show(file, small); // else something newer is shown meanwhile
}

/** The file, or of a photograph of some megabytes less: its detail no network here would see. */
async function shrunk(file) {
  try {
    const whole = await createImageBitmap(file);
    if (file.size <= MOST_BYTES && whole.width * whole.height <= MOST_PIXELS) return file;
    const scale = Math.min(1, SHRUNK_SIDE / Math.max(whole.width, whole.height));
    const small = new OffscreenCanvas(Math.max(1, whole.width * scale), Math.max(1, whole.height * scale));
    const pixels = small.getContext("2d");
    pixels.imageSmoothingQuality = "high"; // thin ink on a large sheet stays
    pixels.drawImage(whole, 0, 0, small.width, small.height);
    return await small.convertToBlob({ type: "image/png" });
  } catch {
    return file; // the server says why it is none
  }
}

const file = document.getElementById("try-file");
const drop = document.getElementById("try-drop");
file?.addEventListener("change", () => {
  take(file.files[0]);
  file.value = ""; // the same one can be chosen again
});
document.addEventListener("paste", (event) => take(event.clipboardData?.files[0]));
for (const kind of ["dragenter", "dragover"])
  drop?.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
for (const kind of ["dragleave", "drop"]) drop?.addEventListener(kind, () => drop.classList.remove("is-over"));
drop?.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});

// --- the address is the view: test image, handling, layers ---

function address(name, value) {
  const asked = new URL(location.href);
  if (value) asked.searchParams.set(name, value);
  else asked.searchParams.delete(name);
  asked.hash = "";
  history.replaceState(null, "", asked);
}

function mark(sample) {
  for (const link of document.querySelectorAll("[data-sample]")) link.toggleAttribute("aria-current", link.dataset.sample === sample);
  for (const link of document.querySelectorAll("[data-sample][aria-current]")) link.setAttribute("aria-current", "true");
}

page?.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-sample], a[data-layers]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if ("sample" in link.dataset) {
    address("kept", "");
    address("sample", link.dataset.sample);
    wipe();
    mark(link.dataset.sample);
    return show("sample");
  }
  address("layers", link.dataset.layers);
  await ask();
  (document.getElementById("layers") ?? answers.querySelector("[data-layers]"))?.focus();
});
for (const [name, usual] of [["invert", "auto"], ["prepare", "dataset"]]) {
  const select = document.getElementById(`try-${name}`);
  select?.addEventListener("change", () => {
    address(name, select.value === usual ? "" : select.value);
    askSoon();
  });
}

// A run that is trained answers by its newest checkpoint, and once it has ended no longer as one in training.
const open = page?.dataset.openRuns.split(",") ?? [];
for (const kind of ["epoch", "state"])
  document.addEventListener(`trainyard:${kind}`, ({ detail }) => open.includes(String(detail.run)) && askSoon());
