// ---- the view in the address: #zoom=…&x=…&y=… ----------------------------------------------
// zoom is 1 where the whole picture just fits, x and y are the centre in parts of the picture's
// width and height; then, where they are not plain, rotate (degrees clockwise) and flip.

function isHome() {
  const now = viewport.getBounds(), whole = viewport.getHomeBounds();
  const near = (a, b) => Math.abs(a - b) < 1e-3 * Math.max(whole.width, whole.height);
  return near(now.x, whole.x) && near(now.y, whole.y)
    && near(now.width, whole.width) && near(now.height, whole.height);
}
function viewHash() {
  const centre = viewport.getCenter(), turn = OpenSeadragon.positiveModulo(viewport.getRotation(), 360);
  const parts = [];
  const short = (value) => String(Number(value.toPrecision(10)));
  if (!isHome()) {
    parts.push("zoom=" + short(viewport.getZoom() / viewport.getHomeZoom()));
    parts.push("x=" + short(centre.x));
    parts.push("y=" + short(centre.y * picture.width / picture.height));
  }
  if (turn) parts.push("rotate=" + short(turn));
  if (viewport.getFlip()) parts.push("flip=1");
  if (data.frames && frame) parts.push("frame=" + frame);
  return parts.length ? "#" + parts.join("&") : "";
}
function saveHash() {
  const hash = viewHash();
  if (hash === location.hash) return;
  try {
    history.replaceState(null, "", hash || location.pathname + location.search);
  } catch { /* some browsers limit how often; the next rest saves it */ }
}
function readHash(immediately) {
  const query = new URLSearchParams(location.hash.slice(1));
  const number = (key) => query.has(key) ? Number(query.get(key) || NaN) : NaN;
  const zoom = number("zoom"), x = number("x"), y = number("y");
  const turn = Number.isFinite(number("rotate")) ? number("rotate") : 0;
  viewport.setRotation(turn, immediately);
  if (data.frames) showFrame(Math.round(number("frame")) || 0);
  if (viewport.getFlip() !== (query.get("flip") === "1")) viewport.toggleFlip();
  home = !(zoom > 0 && Number.isFinite(zoom));
  if (home) {
    viewport.goHome(immediately);
    return;
  }
  viewport.zoomTo(zoom * viewport.getHomeZoom(), null, immediately);
  if (Number.isFinite(x) && Number.isFinite(y)) {
    viewport.panTo(new OpenSeadragon.Point(x, y * picture.height / picture.width), immediately);
  }
  viewport.applyConstraints(immediately);
}

let restTimer = 0;
function rest() {
  clearTimeout(restTimer);
  restTimer = setTimeout(() => {
    home = isHome();
    saveHash();
  }, 300);
}
viewer.addHandler("open", () => {
  layout();
  readHash(true);
  showScale();
  showFlip();
  for (const event of ["zoom", "pan", "rotate", "flip", "animation-finish"]) {
    viewer.addHandler(event, rest);
  }
  addEventListener("hashchange", () => { if (location.hash !== viewHash()) readHash(false); });
  const canvas = viewer.canvas;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The picture: arrow keys move, plus and minus zoom");
  canvas.focus({ preventScroll: true });
});

let missing = false;
viewer.addHandler("tile-load-failed", () => {
  if (!missing) note("Some tiles of the picture are missing.", 6);
  missing = true;
});
