// Dragging with a pointer.

const LEAST = 4;  // CSS pixels; a shorter movement is a click

/** Follow a pointer that was pressed: `move` hears where it goes, `end` whether it has gone anywhere.
 *
 * What was pressed may be made anew meanwhile, so the window listens.
 *
 * @param {PointerEvent} start @param {(event: PointerEvent) => void} move @param {(moved: boolean) => void} end */
export function drag(start, move, end) {
  let moved = false;
  /** @param {PointerEvent} event */
  const hear = (event) => {
    if (event.pointerId !== start.pointerId) return;
    if (event.type !== "pointermove") return stop();
    moved ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= LEAST;
    if (moved) move(event);
  };
  /** @type {("pointermove" | "pointerup" | "pointercancel")[]} */
  const kinds = ["pointermove", "pointerup", "pointercancel"];
  const stop = () => {
    for (const kind of kinds) removeEventListener(kind, hear);
    end(moved);
  };
  for (const kind of kinds) addEventListener(kind, hear);
}
