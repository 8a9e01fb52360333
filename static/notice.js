// Says in the page's notice why what the user asked for was not done.
import "./press.js";

const SHOWN_MS = 8000;
let timer;

/** What the server's error page says (or, without one, that there is no server), for some seconds. */
export function say(page) {
  const problem = new DOMParser().parseFromString(page, "text/html").getElementById("problem");
  tell(problem?.textContent ?? "The server cannot be reached; nothing was changed.");
}

export function tell(words) {
  const notice = document.getElementById("notice");
  notice.textContent = words;
  notice.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (notice.hidden = true), SHOWN_MS);
}

document.addEventListener("htmx:responseError", ({ detail }) => say(detail.xhr.responseText));
document.addEventListener("htmx:sendError", () => say(""));
