// ---- the view, in the address -------------------------------------------------------------------
// #center=X,Y&scale=S&rotation=R as in a scene's [view], but for the window instead of a canvas; without a
// known plane #zoom=…&x=…&y=…&rotate=…: zoom is 1 where the whole picture just fits, x and y are the centre
// as shares of the picture's width and height, rotate is in degrees clockwise.

function isHome() {
  if (data.views && shown !== canvasPyramid) return false;
  const now = viewport.getBounds(), whole = viewport.getHomeBounds();
  /** @param {number} a @param {number} b */
  const near = (a, b) => Math.abs(a - b) < 1e-3 * Math.max(whole.width, whole.height);
  return near(now.x, whole.x) && near(now.y, whole.y)
    && near(now.width, whole.width) && near(now.height, whole.height);
}
function viewHash() {
  const turn = OpenSeadragon.positiveModulo(viewport.getRotation(), 360);
  const parts = [];
  /** @param {number} value */
  const short = (value) => String(Number(value.toPrecision(10)));
  if (data.view) {
    const { center, scale, rotation } = viewed(false);
    if (!isHome()) parts.push("center=" + center.join(","), "scale=" + short(scale));
    if (turn) parts.push("rotation=" + short(rotation));
  } else {
    const centre = viewport.getCenter();
    if (!isHome()) {
      parts.push("zoom=" + short(viewport.getZoom() / viewport.getHomeZoom()));
      parts.push("x=" + short(centre.x));
      parts.push("y=" + short(centre.y * picture.width / picture.height));
    }
    if (turn) parts.push("rotate=" + short(turn));
  }
  if (viewport.getFlip()) parts.push("flip=1");
  // The frame that is wanted: an earlier one is shown while it loads, and a reload would otherwise lose it.
  if (data.frames && wantedFrame) parts.push("frame=" + wantedFrame);
  return parts.length ? "#" + parts.join("&") : "";
}
function saveHash() {
  const hash = viewHash();
  if (hash === location.hash) return;
  try {
    history.replaceState(null, "", hash || location.pathname + location.search);
  } catch { /* some browsers limit how often; the next rest saves it */ }
}
/** The values in the address; `place` is a centre and scale on the plane, or null. */
function readAddress() {
  const query = new URLSearchParams(location.hash.slice(1));
  /** @param {string | null} text */
  const parse = (text) => text ? Number(text) : NaN;
  /** @param {string} key @param {number} otherwise */
  const number = (key, otherwise) => {
    const value = parse(query.get(key));
    return Number.isFinite(value) ? value : otherwise;
  };
  const scale = number("scale", 0), center = (query.get("center") || "").split(",").map(parse);
  const placed = data.view && scale > 0 && center.length === 2 && center.every(Number.isFinite);
  return { query, number, place: placed ? { center, scale } : null };
}
function readHash() {
  const { query, number, place } = readAddress();
  const zoom = number("zoom", 0);
  const turn = data.view && query.has("rotation")
    ? data.view.rotation - number("rotation", data.view.rotation) : number("rotate", 0);
  viewport.setRotation(turn, true);
  if (data.frames) showFrame(Math.round(number("frame", 0)));
  if (viewport.getFlip() !== (query.get("flip") === "1")) viewport.toggleFlip();
  home = !place && !(zoom > 0);
  if (place) {
    (data.views ? showPlace : lookAt)(place);
  } else if (home) {
    goHome(true);
  } else {
    viewport.zoomTo(zoom * viewport.getHomeZoom(), null, true);
    const x = number("x", 0.5), y = number("y", 0.5);
    viewport.panTo(new OpenSeadragon.Point(x, y * picture.height / picture.width), true);
    viewport.applyConstraints(true);
  }
}
/** Show a place of the plane that lies within the pyramid.
 * @param {Place} place */
function lookAt({ center, scale }) {
  const half = halfWindow();
  const part = scale / Math.min(...half.map((length, i) => length * shown.grid.step[i]));
  const at = toPixel(shown, center);
  viewport.zoomTo(viewport.getZoom(true) / part, null, true);
  viewport.panTo(new OpenSeadragon.Point(at.x / shown.width, at.y / shown.width), true);
  viewport.applyConstraints(true);
}

function markWhole() {
  document.body.classList.toggle("whole", home);
}
let restTimer = 0;
function rest() {
  clearTimeout(restTimer);
  restTimer = setTimeout(() => {
    home = isHome();
    markWhole();
    saveHash();
  }, 300);
}
viewer.addHandler("open", () => {
  layout();
  readHash();
  markWhole();
  showScale();
  showFlip();
  for (const event of ["zoom", "pan", "rotate", "flip", "animation-finish"]) {
    viewer.addHandler(event, rest);
  }
  addEventListener("hashchange", () => { if (location.hash !== viewHash()) readHash(); });
  const canvas = viewer.canvas;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The picture: arrow keys move, plus and minus zoom");
  if (!embedded) canvas.focus({ preventScroll: true });
});

/** Whether the browser shows JPEG XL, by one pixel of it. */
function showsJxl() {
  const pixel = new Image();
  pixel.src = "data:image/jxl;base64,/woAEBAUNwIIBAEAGABLGIsVggE=";
  return pixel.decode().then(() => true, () => false);
}
let missing = false;
viewer.addHandler("tile-load-failed", async () => {
  if (missing) return;
  missing = true;
  if (picture.fileFormat !== "jxl" || await showsJxl()) note("Some tiles of the picture are missing.", 6);
  else note("This browser does not show JPEG XL, the format of this picture's tiles; Safari does.", 0);
});
