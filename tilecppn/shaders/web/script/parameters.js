// Reads the network's numbers from the page's data.

function floatsOf(planes) {
  const count = planes.length / 4, bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane++)
    for (let i = 0; i < count; i++) bytes[4 * i + plane] = planes[plane * count + i];
  return new Float32Array(bytes.buffer);
}

// Layers with weights, biases, readouts and each unit's function; the outputs' biases; colours.
function networkOf(config, floats) {
  let at = 0;
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

// Writes the rows that never change into the shader's text, since compilers optimise constants.
function written(source, kind, rows, first) {
  const numbers = (row) => Array.from(rows.subarray(4 * row, 4 * row + 4), (n) => real(+n.toPrecision(9)));
  return source.replace(/cppn_at\((\d+)\)/g, (call, row) => (row < first ? call : `${kind}(${numbers(row)})`));
}

// Formats a float for TOML and shaders: with a point or an exponent.
function real(number) {
  const text = String(number);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
