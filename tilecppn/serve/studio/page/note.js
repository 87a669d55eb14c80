// A line of text over the picture for a moment.

import { connection } from "./api.js";
import { byId } from "./element.js";

const line = byId("note");
let quiet = 0;
let count = 0;  // of the notes shown

/** Show an error or a note for a moment; while the server is lost, for good.
 *
 * @param {string} text */
export function note(text, bad = false) {
  count++;
  line.textContent = text;
  line.classList.toggle("bad", bad);
  line.hidden = false;
  clearTimeout(quiet);
  if (!connection.lost) quiet = setTimeout(() => (line.hidden = true), bad ? 6000 : 2500);
}

/** What an error says.
 *
 * @param {unknown} error */
export const said = (error) => (error instanceof Error ? error.message : String(error));

/** Show an error.
 *
 * @param {unknown} error */
export const complain = (error) => note(said(error), true);

/** Take away the error of something earlier, once something else has succeeded. */
export function clearError() {
  if (line.classList.contains("bad") && !connection.lost) line.hidden = true;
}

/** Do something, and show its error.
 *
 * @param {() => unknown} run */
export async function attempt(run) {
  const before = count;
  try {
    await run();
    if (count === before) clearError();
  } catch (error) {
    complain(error);
  }
}
