// The New run page: reasons beside their fields while typing, one launch per click, the curl command to the clipboard.
const form = document.querySelector(".launch");
const start = document.getElementById("start");
const copy = document.getElementById("copy-command");

function showReasons() {
  const problems = JSON.parse(document.getElementById("launch-problems").textContent || "{}");
  for (const reason of form.querySelectorAll("[data-reason-of]")) {
    const problem = problems[reason.dataset.reasonOf];
    reason.textContent = problem ?? "";
    reason.hidden = !problem;
    const control = form.querySelector(`:is(input:not([type="hidden"], [type="radio"]), select)[name="${CSS.escape(reason.dataset.reasonOf)}"]`);
    if (problem) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  }
}

form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) showReasons();
});
let words = start.textContent;
form.addEventListener("submit", () => {
  words = start.textContent;
  start.disabled = true;
  start.textContent = "Starting…";
});
window.addEventListener("pageshow", () => { // back from the run: the button is good for another
  start.disabled = false;
  start.textContent = words;
});

copy.hidden = false;
copy.addEventListener("click", async () => {
  const command = document.getElementById("curl-command");
  if (!command) return;
  const label = copy.querySelector("span");
  try {
    await navigator.clipboard.writeText(command.textContent);
    label.textContent = "Copied";
  } catch { // no clipboard without HTTPS, except on this machine: the text is selected instead
    getSelection().selectAllChildren(command);
    label.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => (label.textContent = "Copy"), 2500);
});
