// Asks an element marked with hx-trigger="refresh" to fetch itself again: soon, and at most once in a while.
import "./notice.js";

/** A function that refreshes the element of this id within `ms` after the first of many calls. */
export function refresher(id, ms) {
  let timer;
  let last = -ms;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      last = performance.now();
      document.getElementById(id).dispatchEvent(new Event("refresh"));
    }, Math.max(50, last + ms - performance.now()));
  };
}
