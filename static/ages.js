// Keeps every <time data-ago> true, in the words of app/formatting.py.
const UNITS = [[60, "s"], [60, "min"], [24, "h"], [Infinity, "d"]];

function inWords(seconds) {
  if (seconds < 10) return "just now";
  for (const [length, word] of UNITS) {
    if (seconds < length) return `${Math.floor(seconds)} ${word} ago`;
    seconds /= length;
  }
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = inWords((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}, 10_000);
