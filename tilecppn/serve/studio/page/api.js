// Requests to the server: JSON, with errors as one line.

/** An error from the server. Status 409: a file exists; 410: a scene is lost; 0: no server. */
class AnswerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Emits "lost" when the server does not answer any more, and "back". */
export const connection = Object.assign(new EventTarget(), { lost: false });

async function asked(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
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

/** Read JSON. */
export const get = async (path, signal) => (await asked(path, { signal })).json();

/** Read an image. */
export const image = async (path, signal) => createImageBitmap(await (await asked(path, { signal })).blob());

/** Send an object, or a file as it is, and read JSON. */
export async function post(path, body, signal) {
  const raw = body instanceof Blob;
  const options = { method: "POST", body: raw ? body : JSON.stringify(body), signal };
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
