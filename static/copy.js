// Links that copy what their address answers: a.copy. Where the clipboard is closed (a page that is not secure, a refusal) they
// open it instead, as they do without JavaScript.
const SHOWN_MS = 2500;

async function copy(link) {
  const text = fetch(link.href).then(async (answer) => {
    if (!answer.ok) throw new Error(answer.statusText);
    return new Blob([await answer.text()], { type: "text/plain" });
  });
  // The text as a promise: a browser asks whether the user has just pressed, not whether the server was quick.
  await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  confirm(link);
}

function confirm(link) {
  const label = link.querySelector("span");
  link.dataset.label ??= label.textContent;
  label.textContent = "Copied";
  document.getElementById("copy-said").textContent = `${link.dataset.what} is on the clipboard.`;
  clearTimeout(link.timer);
  link.timer = setTimeout(() => {
    label.textContent = link.dataset.label;
    document.getElementById("copy-said").textContent = "";
  }, SHOWN_MS);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.copy");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !navigator.clipboard?.write) return;
  event.preventDefault();
  copy(link).catch(() => location.assign(link.href));
});
