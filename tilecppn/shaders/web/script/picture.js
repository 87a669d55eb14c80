// The view and its picture: coarse while it moves, then at full resolution, tile by tile.

const TILE = 256;
const REST = 160;  // milliseconds without a change after which every pixel is drawn
const FRAME = 24;  // milliseconds that a frame may take while the view moves

// Draws a scene on a canvas with the backend `wanted` or the first that works; null if none does.
/** @param {{ config: Config, parameters: Float32Array, wgsl: string, glsl: string }} parts @param {HTMLCanvasElement} canvas @param {string?} wanted */
async function pictureOf({ config, parameters, wgsl, glsl }, canvas, wanted) {
  const reference = new Reference(config, parameters), sources = { wgsl, glsl };
  reference.fill({ u: 0, v: 0, step: 1, scale: 1, z: config.z });
  const gpu = await drawer(sources, reference, wanted);
  return gpu && new Picture(config, reference, sources, gpu, canvas);
}

class Picture {
  /** @param {Config} config @param {Reference} reference @param {Omit<Sources, "script">} sources @param {Gpu} gpu @param {HTMLCanvasElement} canvas */
  constructor(config, reference, sources, gpu, canvas) {
    this.config = config;
    this.reference = reference;
    this.sources = sources;
    this.gpu = gpu;
    this.canvas = canvas;
    this.busy = this.walking = false;
    this.quality = this.complete = 0;
    this.view = { u: 0, v: 0, zoom: 1, turn: 0 };
    /** @type {?() => void} */
    this.onframe = null;
    this.context = contextOf(canvas, { alpha: false });
    this.z = [...config.z];
    this.speed = 500;  // pixels per millisecond, as measured
    this.changed = 0;
    /** @type {Promise<any>} */
    this.lock = Promise.resolve();
    this.home();
  }

  home() {
    this.view = { ...this.middle(1, 0), zoom: 1, turn: 0 };
    this.change();
  }

  // The offset from the whole canvas' centre to the centre of the part that is drawn.
  /** @param {number} zoom @param {number} turn */
  middle(zoom, turn) {
    const { drawn, whole, grid } = this.config;
    const [x, y] = [0, 1].map((k) => drawn[k] + (drawn[k + 2] - 1) / 2 - (whole[k] - 1) / 2);
    const [a, b, c, d] = this.matrix(grid.step.map((step) => step / zoom), turn);
    return { u: a * x + b * y, v: c * x + d * y };
  }

  // Plane units per pixel, to the right and down, for a picture of width × height pixels.
  /** @param {number} width @param {number} height @param {number} zoom */
  steps(width, height, zoom) {
    const { drawn, grid, endpoints, stretch } = this.config, [, , w, h] = drawn;
    /** @param {number} n */
    const count = (n) => (endpoints ? Math.max(n - 1, 1) : n);
    let along = count(w) / count(width), down = count(h) / count(height);
    if (Math.abs(w * height - h * width) >= Math.max(w, h)) along = down = Math.max(along, down);
    else if (!stretch) along = down = w <= h ? along : down;
    return [(grid.step[0] * along) / zoom, (grid.step[1] * down) / zoom];
  }

  // The matrix from pixels to plane units: right (x, y), down (x, y).
  /** @param {number[]} steps @param {number} turn */
  matrix([along, down], turn) {
    const c = Math.cos(turn), s = Math.sin(turn);
    return [c * along, -s * along, s * down, c * down];
  }

  // Prepares the shader for a view of width × height pixels; returns a function that draws parts of it.
  /** @param {number} width @param {number} height @param {number} samples @returns {Draw} */
  prepare(width, height, samples, view = this.view, z = this.z, moving = false) {
    const steps = this.steps(width, height, view.zoom);
    const scale = this.config.scale / view.zoom, step = Math.max(...steps) / samples;
    const counts = this.reference.fill({ scale, ...view, step, z }), { gpu } = this;
    const [layers, differences, followed, added, ...rest] = counts, program = gpu.program(counts, moving);
    gpu.rows(this.reference.rows);
    const turn = this.matrix(steps, view.turn);
    // Draws the part at (x, y), w × h pixels, each of which covers q × q pixels of the view.
    return async (x, y, w, h, q = 1) => {
      const first = [x - (width - 1) / 2, y - (height - 1) / 2].map((n) => (n + (q - 1) / 2) / q);
      const apart = Math.log2(q * samples) / (this.config.detail?.fade ?? 1);  // of the shader's derivatives
      const local = [layers, differences, followed, added - apart, ...rest];
      return gpu.draw(await program, w, h, [...first, samples, 0, ...turn.map((n) => n * q), ...local]);
    };
  }

  // Runs a drawing task after the previous one has ended, since there is only one device.
  /** @template T @param {() => Promise<T>} task @returns {Promise<T>} */
  locked(task) {
    return (this.lock = this.lock.catch(() => {}).then(task));
  }

  change() {
    this.changed = performance.now();
    if (!this.running) this.running = this.run().finally(() => (this.running = null));
  }

  async run() {
    for (;;) {
      await new Promise((next) => (document.hidden ? setTimeout(next, 50) : requestAnimationFrame(next)));
      if (this.busy) continue;
      const at = this.changed;
      this.onframe?.();
      await this.locked(() => this.coarse());
      if (this.changed === at && !this.walking && (await this.locked(() => this.fine(at)))) return;
    }
  }

  // The size of the canvas in device pixels.
  size() {
    const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = this.canvas;
    return [clientWidth, clientHeight].map((side) => Math.max(1, Math.round(side * ratio)));
  }

  async coarse() {
    const [width, height] = this.size();
    let q = 1;
    while (q < 16 && (width * height) / (q * q) > this.speed * FRAME) q *= 2;
    const w = Math.ceil(width / q), h = Math.ceil(height / q);
    const draw = this.prepare(width, height, 1, this.view, this.z, this.complete > 0), start = performance.now();
    const source = await draw(0, 0, w, h, q);
    this.measure(w * h, start);
    if (this.canvas.width !== width) this.canvas.width = width;  // setting it clears the canvas
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.drawImage(source, 0, 0, w, h, 0, 0, w * q, h * q);
    this.canvas.hidden = false;
    this.quality = q;
  }

  // Accepts a faster measurement at once; a slower one may have had another cause.
  /** @param {number} pixels @param {number} start */
  measure(pixels, start) {
    const speed = pixels / Math.max(performance.now() - start, 0.5);
    this.speed = speed > this.speed ? speed : 0.5 * (this.speed + speed);
  }

  // Draws all of it; resolves to false if the view changed meanwhile.
  /** @param {number} at */
  async fine(at) {
    const { samples } = this.config;
    while (performance.now() - at < REST) {
      await new Promise((next) => setTimeout(next, 20));
      if (this.changed !== at || this.busy) return false;
    }
    if (this.quality === 1 && samples === 1) return (this.complete = at), true;
    const { width, height } = this.canvas, draw = this.prepare(width, height, samples);
    for (const [x, y] of tilesFrom(width, height)) {
      const w = Math.min(TILE, width - x), h = Math.min(TILE, height - y);
      const start = performance.now(), source = await draw(x, y, w, h);
      this.measure(w * h, start);
      this.context.drawImage(source, 0, 0, w, h, x, y, w, h);
      if (this.changed !== at || this.busy) return false;
    }
    this.complete = at;
    return true;
  }

  // Returns the pixels (RGBA) of a part of a picture of width × height, drawn tile by tile.
  /** @param {Draw} draw @param {number} width @param {number} top @param {number} rows @param {HTMLCanvasElement} scratch */
  async strip(draw, width, top, rows, scratch) {
    const context = contextOf(scratch, { alpha: false, willReadFrequently: true });
    scratch.width = width;
    scratch.height = rows;
    for (let x = 0; x < width; x += 1024) {
      const part = Math.min(1024, width - x), source = await draw(x, top, part, rows);
      context.drawImage(source, 0, 0, part, rows, x, 0, part, rows);
    }
    return context.getImageData(0, 0, width, rows).data;
  }
}

// Corners of tiles, those nearest to the centre first.
/** @param {number} width @param {number} height */
function tilesFrom(width, height) {
  const corners = [];
  for (let y = 0; y < height; y += TILE) for (let x = 0; x < width; x += TILE) corners.push([x, y]);
  /** @type {(corner: number[]) => number} */
  const far = ([x, y]) => Math.hypot(x + TILE / 2 - width / 2, y + TILE / 2 - height / 2);
  return corners.sort((a, b) => far(a) - far(b));
}
