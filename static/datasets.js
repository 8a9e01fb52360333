// The import form: a chosen file goes to the API as it is, with progress; what lies in the import folder is posted.
const form = document.getElementById("import-form");
const file = document.getElementById("file");
const upload = document.getElementById("upload");
const says = document.getElementById("upload-says");
const start = document.getElementById("import-start");
const problem = document.getElementById("import-problem");
let request = null;

const nameFrom = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/\.(zip|tar|tgz|tar\.gz|gz)$/, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);

function suggestName(text) {
  if (form.elements.name.value === "" && text) form.elements.name.value = nameFrom(text);
}
file.addEventListener("change", () => {
  if (!file.files.length) return;
  form.elements.entry.value = "";
  suggestName(file.files[0].name);
});
form.elements.entry.addEventListener("change", () => {
  if (form.elements.entry.value) file.value = "";
  suggestName(form.elements.entry.value);
});

function tell(reason) {
  problem.textContent = reason;
  problem.hidden = reason === "";
}

function setBusy(busy) {
  upload.hidden = !busy;
  start.disabled = busy;
}

function refused(request) {
  try {
    const { detail, suggestion, errors } = JSON.parse(request.responseText);
    return [detail, ...(errors ?? []).map(({ field, reason }) => `${field}: ${reason}.`), suggestion].filter(Boolean).join(" ");
  } catch {
    return `The server answered ${request.status}.`;
  }
}

form.addEventListener("submit", (event) => {
  const chosen = file.files[0];
  if (!chosen) return;
  event.preventDefault();
  tell("");
  const query = new URLSearchParams({ file_name: chosen.name.slice(0, 200) });
  for (const [name, value] of new FormData(form)) {
    if (name === "class_names") for (const one of value.split(",").map((part) => part.trim()).filter(Boolean)) query.append(name, one);
    else if (typeof value === "string" && value.trim() && name !== "entry") query.set(name, value.trim());
  }
  if (!query.has("name")) query.set("name", "");
  request = new XMLHttpRequest(); // fetch does not tell how much was sent
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    upload.querySelector("progress").value = total ? loaded / total : 0;
    says.textContent = `${Math.floor((100 * loaded) / Math.max(1, total))} % sent`;
  });
  request.addEventListener("load", () => {
    setBusy(false);
    if (request.status !== 202) return tell(refused(request));
    location.assign(location.pathname);
  });
  request.addEventListener("error", () => {
    setBusy(false);
    tell("The server cannot be reached, or ended the upload. Nothing was imported.");
  });
  request.addEventListener("abort", () => setBusy(false));
  setBusy(true);
  request.open("POST", `${form.dataset.uploadUrl}?${query}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(chosen);
});
document.getElementById("upload-cancel").addEventListener("click", () => request?.abort());
