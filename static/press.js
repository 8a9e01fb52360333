// What is pressed must still be there when it is released, or the click is lost: what was fetched meanwhile waits.
const LONGEST_MS = 1000; // a release may be none of ours, as outside the window
let pressed = null;
let pressedAt = 0;

for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, ({ target, repeat }) => repeat || ([pressed, pressedAt] = [target, performance.now()]), true);
}
for (const kind of ["pointerup", "pointercancel", "keyup"]) document.addEventListener(kind, () => (pressed = null), true);

const isPressed = (element) => pressed && performance.now() < pressedAt + LONGEST_MS && element.contains(pressed);

/** Resolves as soon as nothing in the element is pressed. */
export async function released(element) {
  while (isPressed(element)) await new Promise((resolve) => setTimeout(resolve, 50));
}

// A part that asks for itself again by the event "refresh" is asked again later.
document.addEventListener("htmx:beforeSwap", async (event) => {
  const { target, detail } = event;
  if (detail.requestConfig.triggeringEvent?.type !== "refresh" || !isPressed(target)) return;
  detail.shouldSwap = false;
  await released(target);
  detail.requestConfig.elt.dispatchEvent(new Event("refresh"));
});
