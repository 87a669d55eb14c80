// Prints what pmtiles' own reader finds in an archive: its header, its metadata, and for each tile
// "z/x/y" the SHA-256 of its bytes. Argument: the archive.
const { createHash } = require("node:crypto");
const { open } = require("node:fs/promises");
const { PMTiles } = require("pmtiles");

async function main(path) {
  const file = await open(path);
  const archive = new PMTiles({
    getKey: () => path,
    async getBytes(offset, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return { data: buffer.buffer.slice(0, bytesRead) };
    },
  });
  const header = await archive.getHeader();
  const tiles = {};
  for (let z = 0; z <= header.maxZoom + 1; z++)
    for (let x = 0; x < 2 ** z; x++)
      for (let y = 0; y < 2 ** z; y++) {
        const found = await archive.getZxy(z, x, y);
        if (found) tiles[`${z}/${x}/${y}`] = createHash("sha256").update(Buffer.from(found.data)).digest("hex");
      }
  console.log(JSON.stringify({ header, metadata: await archive.getMetadata(), tiles }));
  await file.close();
}

main(process.argv[2]);
