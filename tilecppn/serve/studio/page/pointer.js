// Dragging with a pointer.

const LEAST = 4;  // CSS pixels; a shorter movement is a click

/** Follow a pointer that was pressed: `move` hears where it goes, `end` whether it has gone anywhere.
 *
 * What was pressed may be made anew meanwhile, so the window listens. */
export function drag(start, move, end) {
  let moved = false;
  const hear = (event) => {
    if (event.pointerId !== start.pointerId) return;
    if (event.type !== "pointermove") return stop();
    moved ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= LEAST;
    if (moved) move(event);
  };
  const kinds = ["pointermove", "pointerup", "pointercancel"];
  const stop = () => {
    for (const kind of kinds) removeEventListener(kind, hear);
    end(moved);
  };
  for (const kind of kinds) addEventListener(kind, hear);
}
