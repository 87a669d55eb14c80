// Writes a PNG of any size: rows are compressed as they are drawn, so that memory stays bounded.

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** @param {string} kind @param {Uint8Array} bytes */
function chunk(kind, bytes) {
  const out = new Uint8Array(bytes.length + 12), view = new DataView(out.buffer);
  view.setUint32(0, bytes.length);
  for (let i = 0; i < 4; i++) out[4 + i] = kind.charCodeAt(i);
  out.set(bytes, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < bytes.length + 8; i++) crc = CRC[(crc ^ out[i]) & 255] ^ (crc >>> 8);
  view.setUint32(bytes.length + 8, ~crc);
  return out;
}

// Converts rows of RGBA to RGB, each byte minus the one a pixel to the left (PNG filter 1).
/** @param {Uint8ClampedArray} rgba @param {number} width @param {number} rows */
function filtered(rgba, width, rows) {
  const out = new Uint8Array(rows * (3 * width + 1));
  for (let y = 0, at = 0, from = 0; y < rows; y++) {
    out[at++] = 1;
    for (let x = 0; x < width; x++, from += 4)
      for (let c = 0; c < 3; c++) out[at++] = rgba[from + c] - (x ? rgba[from + c - 4] : 0);
  }
  return out;
}

// Returns the current view as a PNG, or null if `stopped` returns true. tell(share) reports progress.
/** @param {Picture} picture @param {number} width @param {number} height @param {(share: number) => void} tell @param {() => boolean} stopped */
async function pngOf(picture, width, height, tell, stopped) {
  const samples = picture.config.samples, scratch = document.createElement("canvas");
  const draw = picture.prepare(width, height, samples, { ...picture.view }, [...picture.z]);
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 2, 0, 0, 0], 8);
  const parts = [new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head)];
  const deflate = new CompressionStream("deflate"), writer = deflate.writable.getWriter();
  const compressed = (async () => {
    const reader = deflate.readable.getReader();
    for (let next; !(next = await reader.read()).done; ) parts.push(chunk("IDAT", next.value));
  })();
  const rows = Math.max(16, Math.min(256, Math.floor(2 ** 22 / width)));
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    const rgba = await picture.strip(draw, width, top, count, scratch);
    await writer.write(filtered(rgba, width, count));
    if (stopped()) return writer.abort().catch(() => {}), compressed.catch(() => {}), null;
    tell((top + count) / height);
  }
  await writer.close();
  await compressed;
  parts.push(chunk("IEND", new Uint8Array(0)));
  return new Blob(parts, { type: "image/png" });
}
