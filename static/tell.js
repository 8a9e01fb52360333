// Tells when an experiment ends: in a notice on every page, and by the browser where the user asked for it. Who waits for
// what is in localStorage, so that all windows know; one of them takes it out and speaks.
const KEY = "trainyard-awaited"; // ids of experiments
const { experimentsUrl } = document.body.dataset;

function awaited() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return []; // no storage
  }
}

function remember(ids) {
  localStorage.setItem(KEY, JSON.stringify(ids));
  document.dispatchEvent(new Event("trainyard-awaited"));
}

/** Whether this browser is to tell something while nobody looks: then a hidden window goes on listening. */
export const isWaiting = () => awaited().length > 0;

/** True in one window only, and there once. */
function take(id) {
  const taken = () => {
    const ids = awaited();
    if (ids.includes(id)) remember(ids.filter((other) => other !== id));
    return ids.includes(id);
  };
  return navigator.locks ? navigator.locks.request(KEY, taken) : taken();
}

const whyNot = () => {
  if (!window.isSecureContext || !("Notification" in window)) return "This browser notifies only over https, or on the machine that serves.";
  if (Notification.permission === "denied") return "The browser blocks notifications of this server; its settings for this page allow them.";
  return "";
};

async function tell(id, name) {
  if (!(await take(id)) || whyNot()) return;
  try {
    const told = new Notification(`${name} has ended`, { tag: `trainyard-experiment-${id}`, body: "None of its runs is open any more." });
    told.addEventListener("click", () => window.open(`${experimentsUrl}/${id}`));
  } catch { // Android's Chrome knows only those of service workers: the notice must do
  }
}

function show(id, name) {
  if (location.pathname === new URL(`${experimentsUrl}/${id}`, location).pathname) return; // its own page says so itself
  const notice = document.getElementById("notice-ended");
  const link = Object.assign(document.createElement("a"), { href: `${experimentsUrl}/${id}`, textContent: name });
  notice.querySelector("span").replaceChildren(link, " has ended.");
  notice.hidden = false;
}

// --- the button on an experiment's page, which is fetched again whenever something moves ---

function showButton() {
  const button = document.getElementById("act-tell");
  if (!button) return;
  const isOn = awaited().includes(Number(button.dataset.experiment));
  button.hidden = false;
  button.querySelector("span").textContent = isOn ? "You will be told when it ends" : "Tell me when it ends";
  button.disabled = whyNot() !== "";
  const why = document.getElementById("tell-why");
  why.textContent = whyNot();
  why.hidden = !button.disabled;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("#act-tell");
  if (!button) return;
  const id = Number(button.dataset.experiment);
  if (awaited().includes(id)) await take(id);
  else if ((await Notification.requestPermission()) === "granted") remember([...awaited(), id]);
  showButton();
});
document.addEventListener("htmx:afterSwap", showButton);
showButton();

document.getElementById("notice-close").addEventListener("click", () => (document.getElementById("notice-ended").hidden = true));
document.addEventListener("trainyard:experiment", ({ detail: { experiment, name, ended } }) => {
  if (!ended) return;
  show(experiment, name);
  tell(experiment, name);
});

// What ended, or was deleted, while no window was open.
async function catchUp(id) {
  const answer = await fetch(`/api/v1/experiments/${id}`);
  if (answer.status === 404) await take(id);
  if (!answer.ok) return;
  const { name, ended_at: endedAt, groups } = await answer.json();
  if (endedAt || !groups.length) await tell(id, name);
}
for (const id of awaited()) catchUp(id).catch(() => {}); // offline: the page says so itself
