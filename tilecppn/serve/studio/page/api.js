// Requests to the server: JSON, with errors as one line.

/** An error from the server. Status 409: a file exists; 410: a scene is lost; 0: no server. */
export class AnswerError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const STOPPED = "The studio has stopped. Start it again in the same folder, and this page goes on.";

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
    throw new AnswerError(STOPPED, 0);
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

/** Read pictures by their addresses, each as soon as it is drawn: `found` gets its address, its status as of HTTP
 * and its PNG (`serve/studio/stream.py`).
 *
 * @param {"tiles" | "thumbs"} path @param {string[]} addresses @param {AbortSignal} signal
 * @param {(address: string, status: number, png: Png) => void} found */
export async function stream(path, addresses, signal, found) {
  const { body } = await asked(path, { method: "POST", body: JSON.stringify({ addresses }), signal });
  const reader = body?.getReader();
  let rest = new Uint8Array(0);
  for (let part = await reader?.read(); reader && part?.value; part = await reader.read()) {
    const bytes = new Uint8Array(rest.length + part.value.length);
    bytes.set(rest);
    bytes.set(part.value, rest.length);
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const [index, status, length] = new Uint32Array(bytes.slice(at, at + HEAD).buffer);
      const end = at + HEAD + length;
      if (bytes.length < end) break;
      found(addresses[index], status, bytes.slice(at + HEAD, end));
      at = end;
    }
    rest = bytes.subarray(at);
  }
}
const HEAD = 12;  // bytes before each picture: three uint32

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
