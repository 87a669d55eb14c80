// Conversions between pixels of a scene's grid, points of the plane and places on the screen.
//
// Pixels (x to the right, y down) count from the corner of the whole canvas, as in
// `tilecppn/serve/studio/drawing.py`; the plane is that of `tilecppn/scene/view.py`.

/** The point of the plane at a pixel.
 *
 * @param {any} grid @param {number[]} pixel */
export function toPlane(grid, [x, y]) {
  const u = (x - 0.5 - grid.middle[0]) * grid.step[0];
  const v = (y - 0.5 - grid.middle[1]) * grid.step[1];
  const at = [u * grid.cosine - v * grid.sine, u * grid.sine + v * grid.cosine];
  if (grid.swap) at.reverse();
  return at.map((value, i) => value + grid.center[i]);
}

/** Whether a picture is folded, always around its centre. */
export const isFolded = ({ values: { view } }) => Boolean(view.mirror || view.radial || view.repeat);

/** What a window shows: `center` is the pixel in its middle, `zoom` the screen pixels of a pixel,
 * `turn` how far the picture is turned clockwise, in degrees. */
export class Camera {
  center = [0, 0];
  zoom = 1;
  turn = 0;
  width = 1;   // of the window, in device pixels
  height = 1;

  get axis() {
    const angle = this.turn * Math.PI / 180;
    return [Math.cos(angle), Math.sin(angle)];
  }

  /** The pixel at a place on the screen.
   *
   * @param {number[]} place @returns {[number, number]} */
  toPixel([sx, sy]) {
    const [c, s] = this.axis;
    const dx = (sx - this.width / 2) / this.zoom, dy = (sy - this.height / 2) / this.zoom;
    return [this.center[0] + dx * c + dy * s, this.center[1] - dx * s + dy * c];
  }

  /** The place on the screen of a pixel.
   *
   * @param {number[]} pixel @returns {[number, number]} */
  toScreen([x, y]) {
    const [c, s] = this.axis;
    const dx = (x - this.center[0]) * this.zoom, dy = (y - this.center[1]) * this.zoom;
    return [this.width / 2 + dx * c - dy * s, this.height / 2 + dx * s + dy * c];
  }

  /** The least and greatest pixel coordinates in the window. */
  bounds() {
    const corners = [[0, 0], [this.width, 0], [0, this.height], [this.width, this.height]]
      .map((corner) => this.toPixel(corner));
    return [0, 1].map((i) => corners.map((corner) => corner[i]))
      .map((values) => [Math.min(...values), Math.max(...values)]);
  }

  /** Keep the pixel at a place on the screen in place during a change. */
  around(place, change) {
    const before = this.toPixel(place);
    change();
    const after = this.toPixel(place);
    this.center = this.center.map((value, i) => value + before[i] - after[i]);
  }
}
