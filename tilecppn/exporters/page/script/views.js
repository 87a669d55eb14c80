// ---- zooming on beyond the canvas ---------------------------------------------------------------

// Where the pyramid's pixels, or its edge, become visible, another one replaces it: that of the view in the
// window, and somewhat more. It is placed where it belongs beside the old one. When it has loaded, the
// viewport's coordinates are changed so that it lies at 0, 0 with a width of 1, like the scene's own. So
// numbers never grow, and nothing moves on the screen.
//
// Colours do not change either. The pixels of every view are the canvas' own, halved some times, and the
// next view is ready before the last level of the current one, since it also has the levels on the screen.
// The local fineness was measured at the same point for both (`measured`). From level to level contrast
// changes, so in views a level is blended in gradually with the zoom.

const ROOM = 1.25;       // side of a view, relative to the longer side of the window
const PIXEL_ULPS = 8;    // smallest size of a pixel, in steps of float64
const own = canvasPyramid.grid.step[0];
let moving = false, jumps = 0, atLimit = false;

/** @param {Point} center @param {number} step @param {number} pixels @param {Measured | null} measured
 * @returns {Pyramid} */
function viewSource(center, step, pixels, measured) {
  const side = data.views, scale = step * side / 2;
  const grid = {
    ...data.view, center, scale, step: [step, step], middle: [(side - 1) / 2, (side - 1) / 2],
  };
  const name = [...center, scale, ...(measured ? [...measured.center, measured.step] : [])];
  const tilesUrl = "views/" + name.map(String).join("_") + "/" + picture.tilesUrl;
  const maxLevel = Math.log2(side), minLevel = Math.min(Math.floor(Math.log2(pixels)), maxLevel);
  const source = { ...picture, width: side, height: side, minLevel, maxLevel, tilesUrl };
  return { width: side, height: side, grid, source, measured };
}

/** Whether float64 distinguishes the pixels of a view.
 * @param {Pyramid} view */
function isFine({ grid }) {
  const reach = Math.max(...grid.center.map(Math.abs)) + 2 * grid.scale;
  return grid.step[0] >= PIXEL_ULPS * 2 ** (Math.floor(Math.log2(reach)) - 52);
}

/** The longer side of the window, in screen pixels. */
function windowPixels() {
  return Math.max(viewer.container.clientWidth, viewer.container.clientHeight)
    * OpenSeadragon.pixelDensityRatio;
}

/** The finest view around a window with pixels of size `step`; undefined beyond float64.
 * @param {Point} center @param {number} step @param {(finest: number) => Measured | null} measured */
function viewAround(center, step, measured) {
  const pixels = windowPixels();
  const halvings = Math.max(0, Math.floor(Math.log2(own * data.views / (ROOM * pixels * step))));
  for (let k = halvings; k >= 0; k--) {
    const view = viewSource(center, own * 2 ** -k, pixels, measured(own * 2 ** -k));
    if (isFine(view)) return view;
  }
}

/** The point where the levels on the screen were measured, which the next view keeps.
 * @param {number} step @param {number} finest */
function kept(step, finest) {
  if (shown === canvasPyramid) return null;
  const { center, step: [last] } = shown.grid;
  const level = Math.max(own * 2 ** -Math.ceil(Math.log2(own / step)), last, finest);
  const { measured } = shown;
  return { center: measured && level >= measured.step ? measured.center : center, step: level };
}

/** The pyramid that should be shown for what is in the window, or null to stay. */
function better() {
  const { center } = viewed(false);
  const long = 2 * Math.max(...halfWindow(false).map((half, i) => half * shown.grid.step[i]));
  const step = long / windowPixels();  // plane units per screen pixel
  const onCanvas = shown === canvasPyramid, last = shown.grid.step[0];
  if (step >= 0.999 * own) return onCanvas ? null : canvasPyramid;
  const centre = shownItem().viewportToImageCoordinates(viewport.getCenter(false));
  const [x, y] = halfWindow(false);
  const inside = onCanvas || (centre.x >= x && centre.y >= y
    && centre.x + x <= shown.width && centre.y + y <= shown.height);
  if (step >= 1.999 * last && inside) return null;
  const view = viewAround(center, step, (finest) => kept(step, finest));
  if (view && (view.grid.step[0] < last || !inside)) return view;
  if (!atLimit && step < 0.999 * last) note("Closer than this, float64 cannot tell points apart.", 4);
  atLimit = step < 0.999 * last;
  return null;
}

async function moveOn() {
  if (moving || !shownItem()) return;
  const next = better();
  if (!next) return;
  moving = true;
  try {
    const corner = toPixel(shown, toPlane(next, new OpenSeadragon.Point(0.5, 0.5)));
    const ratio = next.grid.step[0] / shown.grid.step[0] / shown.width;
    const spot = {
      x: corner.x / shown.width - 0.5 * ratio,
      y: corner.y / shown.width - 0.5 * ratio,
      width: next.width * ratio,
    };
    const source = new OpenSeadragon.DziTileSource(next.source);
    const before = jumps;
    const item = await swap(source, { ...spot, seconds: 8, fade: 0.3 });
    if (jumps === before) rebase(next, spot);
    else viewer.world.removeItem(item);  // another place is shown by now
  } finally {
    moving = false;
  }
  moveOn();  // the zoom may have continued meanwhile
}

/** Move the world's only item from `spot` to 0, 0 with a width of 1.
 * @param {Pyramid} next @param {{ x: number, y: number, width: number }} spot */
function rebase(next, { x, y, width }) {
  /** @param {boolean} current @returns {[number, OpenSeadragon.Point]} */
  const state = (current) => {
    const centre = viewport.getCenter(current);
    return [viewport.getZoom(current) * width,
            new OpenSeadragon.Point((centre.x - x) / width, (centre.y - y) / width)];
  };
  const [now, goal] = [state(true), state(false)];
  const item = shownItem();
  item.setPosition(new OpenSeadragon.Point(0, 0), true);
  item.setWidth(1, true);
  setShown(next);
  for (const [immediately, [zoom, centre]] of /** @type {const} */ ([[true, now], [false, goal]])) {
    viewport.zoomTo(zoom, null, immediately);
    viewport.panTo(centre, immediately);
  }
}

/** @param {Pyramid} next */
function setShown(next) {
  const onCanvas = next === canvasPyramid;
  shown = next;
  atLimit = false;
  // A view has no edge that would stop a zoom or a move.
  viewport.minZoomLevel = onCanvas ? 0 : 1e-6;
  viewport.visibilityRatio = onCanvas ? 0.4 : 0;
  $("map").hidden = !onCanvas;
  showScale();
}

/** Show a pyramid at once; `then` sets the viewport.
 * @param {Pyramid} next @param {() => void} then */
function showAlone(next, then) {
  const old = shownItem();
  jumps++;
  viewer.addTiledImage({
    tileSource: new OpenSeadragon.DziTileSource(next.source),
    success: () => {
      viewer.world.removeItem(old);
      setShown(next);
      then();
    },
  });
}

/** The pyramid in which a place of the plane is shown best.
 * @param {Place} place */
function pyramidAt({ center, scale }) {
  const { clientWidth, clientHeight } = viewer.container;
  const step = 2 * scale / Math.min(clientWidth, clientHeight) / OpenSeadragon.pixelDensityRatio;
  return step < 0.999 * own && viewAround(center, step, () => null) || canvasPyramid;
}
/** Show a place of the plane that the address names.
 * @param {Place} place */
function showPlace(place) {
  const next = pyramidAt(place);
  if (next.source.tilesUrl === shown.source.tilesUrl) lookAt(place);
  else showAlone(next, () => lookAt(place));
}

viewer.world.addHandler("add-item", ({ item }) => {
  if (item.source.tilesUrl.startsWith("views/")) item.alwaysBlend = true;
});
viewer.addHandler("animation", moveOn);
viewer.addHandler("animation-finish", moveOn);
