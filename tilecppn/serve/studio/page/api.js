// Requests to the server: JSON, with errors as one line.

/** An error from the server. Status 409: a file exists; 410: a scene is lost; 0: no server. */
export class AnswerError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Emits "lost" when the server does not answer any more, and "back". */
export const connection = Object.assign(new EventTarget(), { lost: false });

/** @param {string} path @param {RequestInit} options */
async function asked(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    loseServer();
    throw new AnswerError("the studio does not answer", 0);
  }
  if (response.ok) return response;
  let text = `error ${response.status}`;
  try {
    text = (await response.json()).error ?? text;
  } catch { /* not JSON */ }
  throw new AnswerError(text, response.status);
}

/** Read JSON.
 *
 * @template {keyof Gets} P
 * @param {P} path @returns {Promise<Gets[P]>} */
export const get = async (path) => (await asked(path, {})).json();

/** Read an image.
 *
 * @param {string} path @param {AbortSignal} signal */
export const image = async (path, signal) => createImageBitmap(await (await asked(path, { signal })).blob());

/** Send an object, or a file as it is, and read JSON.
 *
 * @template {keyof Posts} P
 * @param {P} path @param {Posts[P][0]} body @param {AbortSignal} [signal] @returns {Promise<Posts[P][1]>} */
export async function post(path, body, signal) {
  const options = { method: "POST", body: body instanceof Blob ? body : JSON.stringify(body), signal };
  return (await asked(path, options)).json();
}

function loseServer() {
  if (connection.lost) return;
  connection.lost = true;
  connection.dispatchEvent(new Event("lost"));
  const timer = setInterval(async () => {
    try {
      if (!(await fetch("session.json")).ok) return;
    } catch {
      return;
    }
    clearInterval(timer);
    connection.lost = false;
    connection.dispatchEvent(new Event("back"));
  }, 1000);
}
