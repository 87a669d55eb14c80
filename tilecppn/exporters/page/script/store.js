// ---- tiles from a store (OME-Zarr: Zarr v3, sharded, zstd) ----------------------------------------

// A shard's file ends with its index, the offset and length of each tile, and a CRC-32C
// (https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). A tile is zstd followed by a
// CRC-32C, one channel after another, padded at the canvas' edge.

const { store } = data;
const KEPT_INDEXES = 64;
const ABSENT = 2n ** 64n - 1n;
const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
/** @type {Record<string, (value: number) => number>} */
const TO_BYTE = {
  uint8: (value) => value,
  uint16: (value) => Math.round(value / 257),
  float32: (value) => 255 * value,  // the canvas rounds and clips
};
/** @type {Map<string, Promise<DataView>>} by the shard's address, most recent last */
const indexes = new Map();

/** @param {string} url @param {string} range @param {AbortSignal} [signal] */
async function bytesOf(url, range, signal) {
  const response = await fetch(url, { headers: { Range: "bytes=" + range }, signal });
  if (response.status !== 206) {
    throw new Error(response.ok ? "this server sends no ranges of files" : "not found");
  }
  return response.arrayBuffer();
}
/** @param {string} url @param {number} tiles along the shard */
function indexOf(url, tiles) {
  let found = indexes.get(url);
  if (!found) {
    found = bytesOf(url, "-" + (16 * tiles * tiles + 4)).then((bytes) => new DataView(bytes));
    found.catch(() => indexes.delete(url));
  }
  indexes.delete(url);
  indexes.set(url, found);
  if (indexes.size > KEPT_INDEXES) indexes.delete([...indexes.keys()][0]);
  return found;
}
/** The pixels of a tile, channel after channel.
 * @param {number} level @param {number} column @param {number} row @param {AbortSignal} signal */
async function readTile(level, column, row, signal) {
  const { path, tiles } = store.levels[level];
  const url = store.url + path + "/c/0/" + Math.floor(row / tiles) + "/" + Math.floor(column / tiles);
  const index = await indexOf(url, tiles);
  const place = 16 * ((row % tiles) * tiles + column % tiles);
  const begin = index.getBigUint64(place, true), size = index.getBigUint64(place + 8, true);
  if (begin === ABSENT) throw new Error("not stored");
  const packed = await bytesOf(url, begin + "-" + (begin + size - 1n), signal);
  const pixels = fzstd.decompress(new Uint8Array(packed, 0, packed.byteLength - 4));
  return new ARRAYS[store.dtype](pixels.buffer, pixels.byteOffset,
    pixels.byteLength / ARRAYS[store.dtype].BYTES_PER_ELEMENT);
}
/** A canvas with a tile's pixels, limited to the part within the picture.
 * @param {Pixels} pixels @param {number} width @param {number} height */
function painted(pixels, width, height) {
  const side = picture.tileSize, toByte = TO_BYTE[store.dtype];
  const image = new ImageData(width, height);
  for (let channel = 0; channel < 3; channel++) {
    const plane = store.channels === 1 ? 0 : channel * side * side;
    for (let y = 0; y < height; y++) {
      for (let x = 0, at = 4 * y * width + channel; x < width; x++, at += 4) {
        image.data[at] = toByte(pixels[plane + y * side + x]);
      }
    }
  }
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.putImageData(image, 0, 0);
  return context;
}

function storeSource() {
  const source = new OpenSeadragon.TileSource({ ...picture, ready: true });
  const last = picture.maxLevel;
  source.getTileUrl = (level, x, y) => "tile:" + level + "/" + x + "_" + y;
  source.getTileHashKey = source.getTileUrl;
  source.hasTransparency = () => false;
  source.downloadTileStart = (job) => {
    const [level, column, row] = job.src.slice("tile:".length).split(/[/_]/).map(Number);
    const size = store.levels[last - level];
    job.userData.abort = new AbortController();
    readTile(last - level, column, row, job.userData.abort.signal).then((pixels) => {
      const width = Math.min(picture.tileSize, size.width - column * picture.tileSize);
      const height = Math.min(picture.tileSize, size.height - row * picture.tileSize);
      job.finish(painted(pixels, width, height), null, "context2d");
    }).catch((error) => job.fail(String(error.message || error), null));
  };
  source.downloadTileAbort = (job) => job.userData.abort.abort();
  return source;
}
if (location.protocol === "file:") {
  const name = decodeURIComponent(location.pathname.split("/").pop() ?? "");
  note(`Browsers let a page read its store only from a server: tilecppn view ${name}`, 0);
  missing = true;  // has been reported
}
