// Unpacks and runs the page's scripts and shaders; if that fails, the still remains visible.

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const packed = JSON.parse(document.getElementById("data").textContent);
let sources = null;
const loaded = (async () => {
  sources = JSON.parse(new TextDecoder().decode(await inflated(packed.sources)));
  const script = document.createElement("script");
  script.textContent = sources.script;
  document.head.append(script);
  return started;
})().catch((error) => {
  const notice = document.getElementById("notice");
  notice.textContent = `This is a still: the picture cannot be drawn here (${error.message}).`;
  notice.hidden = false;
  return null;
});
