// Unpacks and runs the page's scripts and shaders; if that fails, the still remains visible.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_`{|}~";

// Five digits in base 85 are four bytes; fewer at the end are one byte less.
/** @param {string} text */
async function inflated(text) {
  const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(text.length / 5)));
  for (let at = 0; 5 * at < text.length; at++) {
    let four = 0;
    for (let i = 5 * at; i < 5 * at + 5; i++) four = 85 * four + DIGITS.indexOf(text[i] ?? "~");
    bytes.setUint32(4 * at, four);
  }
  const own = new Uint8Array(bytes.buffer, 0, Math.floor(0.8 * text.length));
  const stream = new Blob([own]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const packed = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("data")).textContent ?? "");
/** @type {Sources} */
let sources;
const loaded = (async () => {
  sources = JSON.parse(new TextDecoder().decode(await inflated(packed.sources)));
  const script = document.createElement("script");
  script.textContent = sources.script;
  document.head.append(script);
  return started;
})().catch((error) => {
  const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));
  notice.textContent = `This is a still: the picture cannot be drawn here (${error.message}).`;
  notice.hidden = false;
  return null;
});
