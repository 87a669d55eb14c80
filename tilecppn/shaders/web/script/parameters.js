// Reads the network's numbers from the page's data.

/** @param {Uint8Array} planes */
function floatsOf(planes) {
  const count = planes.length / 4, bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane++)
    for (let i = 0; i < count; i++) bytes[4 * i + plane] = planes[plane * count + i];
  return new Float32Array(bytes.buffer);
}

// Layers with weights, biases, readouts and each unit's function; the outputs' biases; colours.
/** @param {Config} config @param {Float32Array} floats @returns {Network} */
function networkOf(config, floats) {
  let at = 0;
  /** @param {number} count */
  const take = (count) => floats.subarray(at, (at += count));
  const { width, channels } = config, depth = config.layers.length;
  const columns = config.inputs.reduce((n, name) => n + (name === "z" ? config.z.length : 1), 0);
  const layers = config.layers.map((pattern, i) => {
    const inputs = i ? width : columns, runs = config.patterns[pattern];
    const read = config.detail || i === depth - 1;
    return {
      inputs,
      weight: take(width * inputs),
      bias: take(width),
      readout: read ? take(channels * width) : null,
      functions: runs.flatMap(([name, count]) => Array(count).fill(name)),
    };
  });
  return { layers, bias: take(channels), stops: take(3 * config.rows.stops) };
}

// Writes the rows that never change into a shader's text, since compilers optimise constants. With the
// numbers of layers, differences and the first layer followed it first unrolls the loops over layers, which
// then end at no pixel before all layers: software takes longer for such ends than for the layers.
/** @param {string} source @param {Reference} reference @param {number[] | false} [counts] */
function written(source, { config, rows }, counts) {
  const kind = source.startsWith("#") ? "vec4" : "vec4f", { constant, outputs } = config.rows;
  /** @param {number} row */
  const literal = (row) =>
    `${kind}(${Array.from(rows.subarray(4 * row, 4 * row + 4), (n) => real(+n.toPrecision(9)))})`;
  if (counts) {
    const [layers, differences, followed] = counts;
    // The first layer and the end of each loop, in the order of the text (`kernels/wgsl/network.py`).
    const turns = config.detail
      ? [[0, Math.min(1, differences)], [1, differences], [differences, 1], [Math.max(1, differences), layers], [0, 0]]
      : [[0, 1], [1, layers]];
    /** @param {string} body @param {number} i */
    const unrolled = (body, i) => {
      /** @type {Record<string, number>} */
      const bases = { i };
      return body
        .replace(/.*\b([krt])(?:: i32)? = (\d+) \+ i \* (\d+);/g, (_, name, first, stride) => {
          bases[name] = +first + i * stride;
          return "";
        })
        .replace(/cppn_at\(([ikrt])(?: \+ (\d+))?\)/g, (_, name, more = 0) => {
          const row = bases[name] + +more;
          return name === "r" && i > differences ? literal(row) : `cppn_at(${row})`;  // biases and offsets
        })
        .replace(/\bi\b/g, String(i))
        .replace(/\bfollowed\b/g, String(followed));
    };
    source = source
      .replace(/  for \(.*\n( *(?:let|int) k[^]*?\n)  \}/g, (_, body) => {
        const [first, end] = turns.shift() ?? [0, 0];
        let text = "";
        for (let i = first; i < end; i++) text += `{\n${unrolled(body, i)}}\n`;
        return text;
      })
      .replace(/var<.*> cppn_data: .*>/, `var<uniform> cppn_data: array<vec4f, ${constant}>`);
  }
  source = source.replace(/cppn_at\((\d+)\)/g, (call, row) =>
    row < constant && +row !== outputs ? call : literal(+row));
  if (!counts) return source;
  // Rows are read before all else: a read has conditions, for which software leaves its registers.
  return source.replace(/(cppn_network\(.*\{)([^]*?\n  return )/, (_, head, body) => {
    /** @type {string[]} */
    const calls = [...new Set(body.match(/cppn_at\(\d+\)/g))];
    const reads = calls.map((call, n) => `${kind === "vec4" ? "vec4" : "let"} row${n} = ${call};`);
    /** @param {string} call */
    const named = (call) => `row${calls.indexOf(call)}`;
    return [head, ...reads, body.replace(/cppn_at\(\d+\)/g, named)].join("\n");
  });
}

// Formats a float for TOML and shaders: with a point or an exponent.
/** @param {number} number */
function real(number) {
  const text = String(number);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
