// ---- the view's place on the plane (`tilecppn/scene/view.py`) -------------------------------------

/** The pyramid shown: its size, and the grid that maps its pixels to points of the plane.
 * @type {Pyramid} */
let shown = { width: picture.width, height: picture.height, grid: data.view, source: picture };
const canvasPyramid = shown;

/** The point of the plane at a point of the pyramid's pixels.
 * @param {Pyramid} pyramid @param {OpenSeadragon.Point} pixel @returns {Point} */
function toPlane({ width, height, grid }, pixel) {
  const u = (pixel.x - 0.5 - grid.middle[0]) * grid.step[0];
  const v = (pixel.y - 0.5 - grid.middle[1]) * grid.step[1];
  const at = [u * grid.cosine - v * grid.sine, u * grid.sine + v * grid.cosine];
  if (grid.swap) at.reverse();
  return at.map((value, i) => value + grid.center[i]);
}

/** The pyramid's pixel at a point of the plane.
 * @param {Pyramid} pyramid @param {Point} point */
function toPixel({ grid }, point) {
  const at = point.map((value, i) => value - grid.center[i]);
  if (grid.swap) at.reverse();
  const u = at[0] * grid.cosine + at[1] * grid.sine;
  const v = at[1] * grid.cosine - at[0] * grid.sine;
  return new OpenSeadragon.Point(
    u / grid.step[0] + grid.middle[0] + 0.5, v / grid.step[1] + grid.middle[1] + 0.5);
}

/** Half the window's width and height, in the pyramid's pixels, along the picture's axes. */
function halfWindow(current = true) {
  const size = 2 * shownItem().viewportToImageZoom(viewport.getZoom(current));
  const half = [viewer.container.clientWidth / size, viewer.container.clientHeight / size];
  const sideways = Math.abs(Math.sin(viewport.getRotation(true) * Math.PI / 180)) > 0.7071;
  return sideways ? half.reverse() : half;
}

/** The window's view: centre, scale (to the window's nearer edge) and rotation. */
function viewed(current = true) {
  const centre = shownItem().viewportToImageCoordinates(viewport.getCenter(current));
  const turn = data.view.rotation - viewport.getRotation(current);
  return {
    center: toPlane(shown, centre),
    scale: Math.min(...halfWindow(current).map((half, i) => half * shown.grid.step[i])),
    rotation: OpenSeadragon.positiveModulo(turn + 180, 360) - 180,
  };
}

/** The [view] that draws what is on the screen, limited to the picture. */
function viewToml() {
  const view = data.view, { center, rotation } = viewed();
  const half = halfWindow();
  const most = [picture.width / 2, picture.height / 2];
  const parts = half.map((pixels, i) => Math.min(pixels * shown.grid.step[i] / view.step[i], most[i]));
  // The side that defines the scale: both with "stretch", otherwise the shorter one.
  const part = view.keep.aspect === "stretch"
    ? Math.min(parts[0] / most[0], parts[1] / most[1]) : Math.min(...parts) / Math.min(...most);
  /** @param {number} value */
  const number = (value) => Number.isInteger(value) ? value.toFixed(1) : String(value);
  const lines = [
    "[view]",
    "center = [" + center.map(number).join(", ") + "]",
    "scale = " + number(view.scale * part),
    "rotation = " + number(rotation),
    ...Object.entries(view.keep).map(([key, value]) => key + " = " + JSON.stringify(value)),
  ];
  return lines.join("\n") + "\n";
}

/** The scene that draws what is on the screen; only the [view] if the page has no scene. */
function viewedScene() {
  const view = viewToml();
  const [before, own] = (data.scene || "").split(/^\[view\]$/m);
  if (own === undefined) return data.scene ? data.scene.trimEnd() + "\n\n" + view : view;
  const rest = own.search(/^\[/m);
  return before + view + (rest < 0 ? "" : "\n" + own.slice(rest));
}
$("copy-view").hidden = !data.view;
