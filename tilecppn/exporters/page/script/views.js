// ---- zooming on beyond the canvas ---------------------------------------------------------------

// Where the pixels of the pyramid become visible, or its edge, another takes its place: of the view
// that the window shows, and somewhat more. It is put where it belongs beside the old one, and when
// it is loaded, the viewport's numbers are changed so that it lies at 0, 0 with a width of 1, as the
// scene's own does. So no number grows, and nothing moves on the screen.

const ROOM = 1.25;       // a view's side, in the longer sides of the window
const COARSEST = 11;     // levels of a view that are smaller are not loaded
const PIXEL_ULPS = 8;    // float64's steps that a pixel must have
let moving = false, atLimit = false;

function viewSource(side, center, scale) {
  const step = 2 * scale / side;
  const grid = {
    ...data.view, center, scale, step: [step, step], middle: [(side - 1) / 2, (side - 1) / 2],
  };
  const tilesUrl = "views/" + [...center, scale].map(String).join("_") + "/" + picture.tilesUrl;
  const maxLevel = Math.log2(side), minLevel = Math.min(COARSEST, maxLevel);
  const source = { ...picture, width: side, height: side, minLevel, maxLevel, tilesUrl };
  return { width: side, height: side, grid, source };
}

/** Whether float64 tells the pixels of a view apart. */
function isFine({ grid }) {
  const reach = Math.max(...grid.center.map(Math.abs)) + 2 * grid.scale;
  return grid.step[0] >= PIXEL_ULPS * 2 ** (Math.floor(Math.log2(reach)) - 52);
}

/** The pyramid that should be shown for what is in the window, or null to stay. */
function better() {
  const { center, scale } = viewed(false);
  const long = 2 * Math.max(...halfWindow(false).map((half, i) => half * shown.grid.step[i]));
  const pixels = Math.max(viewer.container.clientWidth, viewer.container.clientHeight)
    * OpenSeadragon.pixelDensityRatio;
  const step = long / pixels;  // of a pixel of the screen, in plane units
  if (step >= 0.999 * canvasPyramid.grid.step[0]) return shown.grid === canvasPyramid.grid ? null : canvasPyramid;
  const centre = shownItem().viewportToImageCoordinates(viewport.getCenter(false));
  const [x, y] = halfWindow(false);
  const inside = centre.x >= x && centre.y >= y
    && centre.x + x <= shown.width && centre.y + y <= shown.height;
  const own = shown.grid === canvasPyramid.grid;
  if (step >= 0.999 * shown.grid.step[0] && (inside || own)) return null;
  const view = viewSource(data.views, center, Math.min(ROOM * long / 2, data.view.scale));
  if (isFine(view)) return view;
  if (!atLimit) note("Closer than this, float64 cannot tell points apart.", 4);
  atLimit = true;
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
    await swap(source, { ...spot, seconds: 8, fade: 0.3 });
    rebase(next, spot);
  } finally {
    moving = false;
  }
  moveOn();  // the zoom may have gone on meanwhile
}

/** Let the only item of the world, which lies at `spot`, lie at 0, 0 with a width of 1. */
function rebase(next, { x, y, width }) {
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
  for (const [immediately, [zoom, centre]] of [[true, now], [false, goal]]) {
    viewport.zoomTo(zoom, null, immediately);
    viewport.panTo(centre, immediately);
  }
}

function setShown(next) {
  const own = next === canvasPyramid;
  shown = next;
  atLimit = false;
  // A view has no edge at which a zoom or a move would end.
  viewport.minZoomLevel = own ? 0 : 1e-6;
  viewport.visibilityRatio = own ? 0.4 : 0;
  $("map").hidden = !own;
  showScale();
}

/** Show a pyramid at once; `then` sets the viewport. */
function showAlone(next, then) {
  const old = shownItem();
  viewer.addTiledImage({
    tileSource: new OpenSeadragon.DziTileSource(next.source),
    success: () => {
      viewer.world.removeItem(old);
      setShown(next);
      then();
    },
  });
}

/** The pyramid in which a place of the plane is shown best. */
function pyramidAt({ center, scale }) {
  const { clientWidth, clientHeight } = viewer.container;
  const short = Math.min(clientWidth, clientHeight), long = Math.max(clientWidth, clientHeight);
  const step = 2 * scale / short / OpenSeadragon.pixelDensityRatio;
  if (step >= 0.999 * canvasPyramid.grid.step[0]) return canvasPyramid;
  const room = Math.min(ROOM * scale * long / short, data.view.scale);
  const view = viewSource(data.views, center, room);
  return isFine(view) ? view : canvasPyramid;
}
/** Show a place of the plane that the address names. */
function showPlace(place, immediately) {
  const next = pyramidAt(place);
  if (next.source.tilesUrl === shown.source.tilesUrl) lookAt(place, immediately);
  else showAlone(next, () => lookAt(place, true));
}

viewer.addHandler("animation", moveOn);
viewer.addHandler("animation-finish", moveOn);
