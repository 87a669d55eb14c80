// ---- drawn by the GPU while tiles are missing ---------------------------------------------------

// The shader of `tilecppn/shaders/` draws the view on a canvas above the tiles, from the first move on,
// while visible tiles are loading. Not with software graphics, which would slow down the drawing of tiles,
// nor in data-saving mode.

const FINE = 4;        // largest pixel of the shader that may be shown, in screen pixels
const WINDOW = 768;    // of `contrast_scale` in tilecppn/serve/views.py
/** @type {LivePicture | null} */
let shader = null;
let following = false, moved = false;

async function startShader() {
  if (navigator.connection?.saveData || !hasGpu()) return;
  const { script, ...parts } = await (await fetch(data.shader)).json();
  parts.parameters = new Float32Array(Uint8Array.from(atob(parts.parameters), (c) => c.charCodeAt(0)).buffer);
  const element = document.createElement("script");
  element.textContent = `window.pictureOf = (() => {\n${script}\nreturn pictureOf; })();`;
  document.head.append(element);
  const canvas = document.createElement("canvas");
  canvas.id = "shader";
  viewer.canvas.append(canvas);
  const made = await window.pictureOf(parts, canvas, "WebGL2");
  if (!made) return;
  await made.running;  // from here on it draws when `follow` tells it to
  made.gpu.lost.then(() => { shader = null; canvas.remove(); });
  shader = made;
  follow();
}

function hasGpu() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const name = gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER;
  return !/swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(name));
}

/** The shader's view for what is on the screen; null if it cannot draw it.
 * @param {LivePicture} shader */
function shaderView(shader) {
  const { config } = shader, { grid, drawn } = config, item = shownItem();
  const onCanvas = shown === canvasPyramid;
  /** @param {OpenSeadragon.Point} pixel */
  const offset = (pixel) => [pixel.x, pixel.y].map((at, k) =>
    (at - 0.5 + drawn[k] - grid.middle[k]) * grid.step[k]);
  /** @param {Point} point */
  const placed = (point) => offset(toPixel(canvasPyramid, point));
  const centre = item.viewportToImageCoordinates(viewport.getCenter(true));
  const [u, v] = onCanvas ? offset(centre) : placed(toPlane(shown, centre));
  const step = (onCanvas ? grid : shown.grid).step[0] / item.viewportToImageZoom(viewport.getZoom(true));
  const { clientWidth, clientHeight } = viewer.container;
  const zoom = shader.steps(clientWidth, clientHeight, 1)[0] / step;
  if (zoom > config.zoom) return null;
  const fine = step / OpenSeadragon.pixelDensityRatio, { measured } = shown;
  const point = measured && fine >= measured.step ? measured.center : onCanvas ? null : shown.grid.center;
  return {
    u, v, zoom, turn: -viewport.getRotation(true) * Math.PI / 180,
    scale: contrastScale(config.scale, Math.min(...grid.step), fine),
    measured: point ? placed(point) : [0, 0],
  };
}

/** The same as `contrast_scale` in tilecppn/serve/views.py.
 * @param {number} scale @param {number} own @param {number} step */
function contrastScale(scale, own, step) {
  if (step >= own) return scale;
  const ratio = Math.log2(scale / (0.5 * WINDOW * own));
  const left = Math.sign(ratio) * Math.max(0, Math.abs(ratio) - 0.5 * Math.log2(own / step));
  return 0.5 * WINDOW * step * 2 ** left;
}

/** The picture's edges on the screen. */
function shaderClip() {
  if (shown !== canvasPyramid) return "none";
  const high = picture.height / picture.width;
  const corners = [[0, 0], [1, 0], [1, high], [0, high]].map(([x, y]) =>
    viewport.pixelFromPoint(new OpenSeadragon.Point(x, y), true));
  return `polygon(${corners.map(({ x, y }) => `${x}px ${y}px`)})`;
}

function tilesMissing() {
  return Array.from({ length: viewer.world.getItemCount() }, (_, i) => viewer.world.getItemAt(i))
    .some((item) => !item.getFullyLoaded());
}

async function follow() {
  moved = true;
  if (following || !shader) return;
  following = true;
  for (; moved && shader; await new Promise(requestAnimationFrame)) {
    moved = false;
    const view = tilesMissing() ? shaderView(shader) : null, clip = shaderClip();
    const drawing = shader, { style } = drawing.canvas, mirrored = viewport.getFlip();
    if (view) {
      drawing.view = view;
      await drawing.coarse();  // the device may be lost meanwhile, and `shader` null
      style.clipPath = clip;
      style.transform = mirrored ? "scaleX(-1)" : "";
    }
    style.visibility = view && drawing.quality <= FINE && tilesMissing() ? "visible" : "hidden";
  }
  following = false;
}
viewer.addOnceHandler("animation-start", () => { startShader().catch(() => {}); });
viewer.addHandler("update-viewport", follow);
