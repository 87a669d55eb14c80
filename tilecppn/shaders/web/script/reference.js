// Computes the view-dependent rows of the shader's data (kernels/wgsl/shape.py) in float64 at a reference
// point, from which the shader draws differences, and how strongly each layer counts.

const TAU = 2 * Math.PI;
// For the activations of networks with detail: value, slope, and what the shader needs of a sum.
/** @type {Record<Activation, [(s: number) => number, (s: number) => number, (s: number) => number[]]>} */
const ACTIVATIONS = {
  sin: [Math.sin, Math.cos, (s) => [Math.sin(s), Math.cos(s)]],
  cos: [Math.cos, (s) => -Math.sin(s), (s) => [Math.cos(s), -Math.sin(s)]],
  tanh: [
    Math.tanh,
    (s) => 1 - Math.tanh(s) ** 2,
    (s) => [-1, 1].map((sign) => 1 / (1 + Math.exp(2 * sign * Math.max(-20, Math.min(20, s))))),
  ],
  gaussian: [
    (s) => Math.exp(-s * s),
    (s) => -2 * s * Math.exp(-s * s),
    (s) => [Math.max(-13, Math.min(13, s)), Math.exp(-s * s)],
  ],
};

class Reference {
  /** @param {Config} config @param {Float32Array} floats */
  constructor(config, floats) {
    this.config = config;
    this.network = networkOf(config, floats);
    const { rows, detail } = config;
    if (detail) detail.octave = detail.frequency.map((f, _, [first]) => Math.log2(f / first));
    this.rows = new Float32Array(4 * rows.count);
    this.network.layers.forEach((layer, i) => {
      if (i) this.#weights(i, layer.inputs, (o, k) => layer.weight[o * layer.inputs + k]);
      if (layer.readout) this.#readout(i, layer.readout);
    });
    for (let i = 0; i < rows.stops; i++)
      this.rows.set(this.network.stops.subarray(3 * i, 3 * i + 3), 4 * (rows.palette + i));
  }

  // Fills in the rows for a view { u, v, step, scale, z } and, if needed, the point at which the local
  // fineness is measured; returns the last two vectors for the view (kernels/wgsl/fragment.py).
  /** @param {Wanted} view */
  fill(view) {
    const { config, network } = this, { rows } = config;
    const point = folded(config, view.u, view.v);
    const inputs = this.#inputs(point);
    this.rows.set([point.x - config.origin[0], point.y - config.origin[1], ...point.heights], 0);
    this.rows[4] = inputs[2];
    point.rows.forEach((row, i) => this.rows.set(row, 4 * (2 + i)));
    const first = this.#first(view.z);
    this.#weights(0, 3, (o, k) => first.weight[3 * o + k]);
    this.rows.set(network.bias, 4 * rows.outputs);
    return config.detail ? this.#detail(config.detail, view, first, inputs) : this.#plain(first, inputs);
  }

  // x, y and the radius of a point after symmetry.
  /** @param {Folded} point */
  #inputs({ x, y, heights }) {
    const { origin } = this.config;
    return [x, y, Math.hypot(x - origin[0], y - origin[1], ...heights)];
  }

  // Layer 0 with the latent folded into its biases: weights of x, y and r.
  /** @param {number[]} z @returns {Affine} */
  #first(z) {
    const { config } = this, { weight, bias, inputs } = this.network.layers[0];
    const full = new Float64Array(3 * config.width), sums = Float64Array.from(bias);
    for (let o = 0; o < config.width; o++) {
      let column = o * inputs;
      for (const name of config.inputs) {
        if (name === "z")
          for (const value of z) sums[o] += weight[column++] * value * config.latent.scale;
        else if (name === "one") sums[o] += weight[column++];
        else full[3 * o + "xyr".indexOf(name)] = weight[column++];
      }
    }
    return { weight: full, bias: sums, inputs: 3 };
  }

  /** @param {Affine} first @param {number[]} inputs */
  #plain(first, inputs) {
    this.network.layers.forEach((layer, i) => this.#constants(i, i ? layer.bias : sumsOf(first, inputs)));
    return [this.network.layers.length, ...Array(7).fill(0)];
  }

  /** @param {Detail} d @param {Wanted} view @param {Affine} first @param {number[]} inputs */
  #detail(d, view, first, inputs) {
    const { config, network } = this, { width, channels } = config;
    const layers = [first, ...network.layers.slice(1)];
    const [u, v] = view.measured ?? [], at = view.measured ? this.#inputs(folded(config, u, v)) : inputs;
    const finer = this.#fineness(d, view, layers, at), amplitudes = amplitudesOf(d, view, finer);
    const direct = d.direct[view.scale < config.scale ? 1 : 0];  // see config.py
    const differences = Math.max(0, amplitudes.length - direct);
    /** @type {ArrayLike<number>} */
    let h = inputs;
    for (let i = 0; i < amplitudes.length; i++) {
      const { functions, readout, bias } = network.layers[i], differs = i < differences;
      const sums = i <= differences ? sumsOf(layers[i], h) : bias;
      if (!differs) this.#constants(i, sums);
      h = sums.map((sum, o) => (differs ? this.#pair(i, o, ACTIVATIONS[functions[o]], sum) : 0));
      const { factors, fade } = amplitudes[i], offset = [0, 0, 0, 0];
      for (let o = 0; o < width; o++) {
        const change = h[o] - (d.means[i][functions[o]] ?? 0);
        for (let c = 0; c < channels; c++)
          offset[c] += /** @type {Float32Array} */ (readout)[c * width + o] * change;
      }
      this.rows.set(offset, this.#reference(i + 1, 0, -1));
      this.rows.set(factors.map((a, c) => a * d.factors[c]), 4 * (config.rows.factors + i));
      this.rows[4 * (config.rows.factors + i) + 3] = fade ?? 1e9;
    }
    return [amplitudes.length, differences, ...localOf(d, width, view, finer)];
  }

  // Writes what the shader needs of a unit's sum; returns the unit's value.
  /** @param {number} layer @param {number} unit @param {(typeof ACTIVATIONS)[Activation]} activation @param {number} sum */
  #pair(layer, unit, [value, , reference], sum) {
    reference(sum).forEach((number, row) => (this.rows[this.#reference(layer, unit, row)] = number));
    return value(sum);
  }

  // Octaves by which layers are finer at the reference than expected; see detail.py.
  /** @param {Detail} d @param {Wanted} view @param {Affine[]} layers @param {number[]} inputs */
  #fineness(d, view, layers, [x, y, r]) {
    const { config, network } = this, inside = insideOf(d, view.scale);
    const ramp = smooth(inside / d.ramp);
    let h = Float64Array.of(x, y, r), total = 0, weights = 0;
    let jacobian = [[1, 0], [0, 1], r ? [x / r, y / r] : [0, 0]];
    for (let i = 0; i < layers.length; i++) {
      if (d.octave[i] - inside >= d.near || ramp === 0) break;
      const sums = sumsOf(layers[i], h), { weight, inputs } = layers[i];
      /** @type {number[][]} */
      const next = [];
      let square = 0;
      h = sums.map((s, o) => {
        const [value, slope] = ACTIVATIONS[network.layers[i].functions[o]], own = slope(s);
        let along = 0, down = 0;
        for (let k = 0; k < inputs; k++) {
          along += weight[o * inputs + k] * jacobian[k][0];
          down += weight[o * inputs + k] * jacobian[k][1];
        }
        next.push([along * own, down * own]);
        square += (along * own) ** 2 + (down * own) ** 2;
        return value(s);
      });
      jacobian = next;
      const place = (d.octave[i] - inside - d.far) / (d.near - d.far);
      if (place > 0) {
        const weight = (place * (1 - place)) ** 2;
        const found = Math.sqrt(Math.max(square, 1e-300) / (config.width * d.variance[i]));
        total += weight * Math.log2(found / d.frequency[i]);
        weights += weight;
      }
    }
    return weights ? Math.round((ramp * total) / weights / d.fineness) * d.fineness : 0;
  }

  // The index of a unit's value in a row of the reference, or in that of an input's weights.
  /** @param {number} layer @param {number} unit @param {number} row */
  #reference(layer, unit, row) {
    const { perLayer, perVector, reference } = this.config.rows;
    return 4 * (reference + layer * perLayer + (unit >> 2) * perVector + row) + (unit & 3);
  }

  /** @param {number} layer @param {number} unit @param {number} input */
  #weight(layer, unit, input) {
    const { vectors, weights } = this.config.rows;
    const [before, inputs] = layer ? [vectors * (3 + 4 * vectors * (layer - 1)), 4 * vectors] : [0, 3];
    return 4 * (weights + before + (unit >> 2) * inputs + input) + (unit & 3);
  }

  /** @param {number} layer @param {ArrayLike<number>} values */
  #constants(layer, values) {
    for (let o = 0; o < this.config.width; o++) this.rows[this.#reference(layer, o, 0)] = values[o];
  }

  /** @param {number} layer @param {number} inputs @param {(o: number, k: number) => number} weight */
  #weights(layer, inputs, weight) {
    for (let o = 0; o < this.config.width; o++)
      for (let k = 0; k < inputs; k++) this.rows[this.#weight(layer, o, k)] = weight(o, k);
  }

  /** @param {number} layer @param {Float32Array} readout */
  #readout(layer, readout) {
    const { rows, width, channels, detail } = this.config;
    const start = rows.readout + (detail ? layer * channels * rows.vectors : 0);
    for (let c = 0; c < channels; c++)
      this.rows.set(readout.subarray(c * width, (c + 1) * width), 4 * (start + c * rows.vectors));
  }
}

/** @param {Affine} layer @param {ArrayLike<number>} h */
function sumsOf({ weight, bias, inputs }, h) {
  const sums = Float64Array.from(bias);
  for (let o = 0; o < sums.length; o++)
    for (let k = 0; k < inputs; k++) sums[o] += weight[o * inputs + k] * h[k];
  return sums;
}

// The point u to the right of and v below the canvas' centre, after symmetry.
/** @param {Config} config @param {number} u @param {number} v @returns {Folded} */
function folded({ grid, fold }, u, v) {
  const offsets = [u, v], heights = [0, 0], rows = [];
  if (fold) {
    for (const k of [0, 1]) {
      const axis = "xy"[k], mirrored = fold.mirror.includes(axis) || (!k && fold.lines.length);
      if (!fold.repeat.includes(axis)) {
        const sign = mirrored && offsets[k] < 0 ? -1 : 1;
        offsets[k] *= sign;
        rows.push([offsets[k], sign, 0, 0]);
        continue;
      }
      const span = grid.step[k] * (2 * grid.middle[k] + 1), radius = span / TAU;
      let turns = offsets[k] / span;
      turns -= Math.floor(turns + 0.5);
      const sign = mirrored && turns < 0 ? -1 : 1;
      turns *= sign;
      offsets[k] = radius * Math.sin(TAU * turns);
      heights[k] = radius * (1 - Math.cos(TAU * turns));
      rows.push([turns, sign, 1 - 2 * turns, TAU * turns]);
    }
    const beyonds = fold.lines.map(([c, s]) => {
      const beyond = offsets[0] * c + offsets[1] * s, twice = beyond + Math.abs(beyond);
      offsets[0] -= twice * c;
      offsets[1] -= twice * s;
      return beyond;
    });
    for (let i = 0; i < beyonds.length; i += 4) rows.push(beyonds.slice(i, i + 4));
  }
  const { cosine, sine, center, swap } = grid;
  const place = [
    offsets[0] * cosine - offsets[1] * sine,
    offsets[0] * sine + offsets[1] * cosine,
  ];
  if (swap) place.reverse();
  return { x: place[0] + center[0], y: place[1] + center[1], heights, rows };
}

/** @param {Detail} d @param {number} scale */
function insideOf(d, scale) {
  const octaves = Math.log2(d.scale / scale);
  if (octaves <= 0) return 0;
  return octaves <= 1 ? 0.5 * octaves * octaves : octaves - 0.5;
}

/** @param {number} share */
function smooth(share) {
  const kept = Math.min(Math.max(share, 0), 1);
  return kept * kept * (3 - 2 * kept);
}

// Octaves to the finest layer that a view shows, and those by which the whole picture is finer.
/** @param {Detail} d @param {Wanted} view @param {number} fineness */
function finestOf(d, view, fineness) {
  return [
    Math.log2((d.limit * Math.PI) / (view.step * d.frequency[0])),
    fineness + (1 - smooth(insideOf(d, view.scale) / d.ramp)) * d.overall,
  ];
}

// A factor for each output of each layer that the view shows, and where it fades.
/** @param {Detail} d @param {Wanted} view @param {number} fineness */
function amplitudesOf(d, view, fineness) {
  const [finest, whole] = finestOf(d, view, fineness), result = [];
  let finer = -Infinity;
  for (const octave of d.octave) {
    finer = Math.max(finer, octave);
    const left = finest - finer - whole, from = octave + fineness - insideOf(d, view.scale);
    if (left <= d.calm && result.length) break;
    const factors = d.decay.map((decay) => {
      const exponent = from * decay - (from < 0 ? d.recede * from * from : 0);
      return exponent > d.faintest ? 2 ** exponent : 0;
    });
    result.push({ factors, fade: left < d.fade + d.busy ? (finest - finer) / d.fade : undefined });
  }
  while (result.length > 1 && !result[result.length - 1].factors.some(Boolean)) result.pop();
  return result;
}

// How the shader measures the local fineness: see LocalFineness in detail.py.
/** @param {Detail} d @param {number} width @param {Wanted} view @param {number} fineness */
function localOf(d, width, view, fineness) {
  const [finest, whole] = finestOf(d, view, fineness), octave = finest - whole - d.followed;
  let layer = 0;
  while (d.octave[layer + 1] <= octave) layer++;
  const next = Math.min(layer + 1, d.octave.length - 1), own = d.octave[layer];
  const share = next > layer ? smooth((octave - own) / (d.octave[next] - own)) : 0, unit = 2 * d.fade;
  /** @param {number} i */
  const square = (i) => Math.log2((d.frequency[i] * view.step) ** 2 * d.variance[i] * width);
  const expected = (1 - share) * square(layer) + share * square(next);
  const limits = [d.calm, d.busy].map((octaves) => (whole + octaves) / d.fade);
  return [layer, -expected / unit, (1 - share) / unit, share / unit, ...limits];
}
