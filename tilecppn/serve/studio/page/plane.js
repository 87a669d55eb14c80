// Conversions between pixels of a scene's grid, points of the plane and places on the screen.
//
// Pixels (x to the right, y down) count from the corner of the whole canvas, as in
// `tilecppn/serve/studio/drawing.py`; the plane is that of `tilecppn/scene/view.py`.

/** A pair of what a function gives for x, 0, and y, 1.
 *
 * @template T
 * @param {(axis: 0 | 1) => T} of @returns {[T, T]} */
export const pair = (of) => [of(0), of(1)];

/** The point of the plane at a pixel.
 *
 * @param {Grid} grid @param {Point} pixel */
export function toPlane(grid, [x, y]) {
  const u = (x - 0.5 - grid.middle[0]) * grid.step[0];
  const v = (y - 0.5 - grid.middle[1]) * grid.step[1];
  const at = [u * grid.cosine - v * grid.sine, u * grid.sine + v * grid.cosine];
  if (grid.swap) at.reverse();
  return pair((i) => at[i] + grid.center[i]);
}

/** Whether a picture is folded, always around its centre.
 *
 * @param {Scene} scene */
export const isFolded = ({ values: { view } }) => Boolean(view.mirror || view.radial || view.repeat);

/** What a window shows: `center` is the pixel in its middle, `zoom` the screen pixels of a pixel,
 * `turn` how far the picture is turned clockwise, in degrees. */
export class Camera {
  /** @type {Point} */
  center = [0, 0];
  zoom = 1;
  turn = 0;
  width = 1;   // of the window, in device pixels
  height = 1;

  /** @returns {Point} */
  get axis() {
    const angle = this.turn * Math.PI / 180;
    return [Math.cos(angle), Math.sin(angle)];
  }

  /** The pixel at a place on the screen.
   *
   * @param {Point} place @returns {Point} */
  toPixel([sx, sy]) {
    const [c, s] = this.axis;
    const dx = (sx - this.width / 2) / this.zoom, dy = (sy - this.height / 2) / this.zoom;
    return [this.center[0] + dx * c + dy * s, this.center[1] - dx * s + dy * c];
  }

  /** The place on the screen of a pixel.
   *
   * @param {Point} pixel @returns {Point} */
  toScreen([x, y]) {
    const [c, s] = this.axis;
    const dx = (x - this.center[0]) * this.zoom, dy = (y - this.center[1]) * this.zoom;
    return [this.width / 2 + dx * c - dy * s, this.height / 2 + dx * s + dy * c];
  }

  /** The least and greatest pixel coordinates in the window.
   *
   * @returns {Bounds} */
  bounds() {
    const { width, height } = this;
    const corners = [this.toPixel([0, 0]), this.toPixel([width, 0]), this.toPixel([0, height]), this.toPixel([width, height])];
    return pair((i) => {
      const values = corners.map((corner) => corner[i]);
      return [Math.min(...values), Math.max(...values)];
    });
  }

  /** Keep the pixel at a place on the screen in place during a change.
   *
   * @param {Point} place @param {() => void} change */
  around(place, change) {
    const before = this.toPixel(place);
    change();
    const after = this.toPixel(place);
    const { center } = this;
    this.center = pair((i) => center[i] + before[i] - after[i]);
  }
}
