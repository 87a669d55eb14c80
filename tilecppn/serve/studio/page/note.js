// A line of text over the picture for a moment.

import { connection } from "./api.js";
import { byId } from "./element.js";

const line = byId("note");
let quiet = 0;

/** Show an error or a note for a moment; while the server is lost, for good.
 *
 * @param {string} text */
export function note(text, bad = false) {
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

/** Do something, and show its error.
 *
 * @param {() => unknown} run */
export async function attempt(run) {
  try {
    await run();
  } catch (error) {
    complain(error);
  }
}
