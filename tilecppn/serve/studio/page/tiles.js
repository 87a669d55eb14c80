// Tiles of scenes: requested while visible, cancelled when they no longer are.

import { Loader } from "./loader.js";
import { pair } from "./plane.js";

/** @typedef {"glimpses" | "tiles"} Kind */
/** @type {Kind[]} */
export const KINDS = ["glimpses", "tiles"];  // coarse ones first
export const SIDES = { glimpses: 64, tiles: 256 };  // side in pixels
const MOST = 600;            // bitmaps kept, about 150 MB
const COARSER = 3;           // levels by which the first tiles are coarser
/** A server that was restarted learns of the scene soon.
 *
 * @type {import("./loader.js").Asking} */
const ASKING = { path: "tiles", most: 8, again: [0, 410, 503] };

/** Emits "tile" when another tile has arrived. */
export class Tiles extends EventTarget {
  /** @type {Map<string, ImageBitmap>} */
  bitmaps = new Map();   // by address, "kind/scene/level/col_row", last used last
  /** @type {Set<string>} */
  failed = new Set();
  loader = new Loader(ASKING, (address, png) => this.arrive(address, png));

  /** Whether a tile has come, or never will.
   *
   * @param {string} address */
  has(address) {
    return this.bitmaps.has(address) || this.failed.has(address);
  }

  /** Request these tiles, in this order, and cancel requests for none of them.
   *
   * @param {string[]} addresses */
  want(addresses) {
    this.loader.want(addresses.filter((address) => !this.has(address)));
  }

  /** @param {string} address @param {Png | null} png */
  async arrive(address, png) {
    const bitmap = png && await bitmapOf(png).catch(() => null);
    if (bitmap) this.bitmaps.set(address, bitmap);
    else this.failed.add(address);
    for (const [oldest, dropped] of this.bitmaps) {
      if (this.bitmaps.size <= MOST) break;
      dropped.close();
      this.bitmaps.delete(oldest);
    }
    this.dispatchEvent(new Event("tile"));
  }

  /** @param {string} address */
  get(address) {
    const bitmap = this.bitmaps.get(address);
    if (bitmap) {
      this.bitmaps.delete(address);
      this.bitmaps.set(address, bitmap);
    }
    return bitmap;
  }
}

/** Decode a PNG, by ImageDecoder where there is one: a Blob is read from another process.
 *
 * @param {Png} png */
async function bitmapOf(png) {
  if (!("ImageDecoder" in window)) return createImageBitmap(new Blob([png]));
  const decoder = new ImageDecoder({ data: png, type: "image/png" });
  const { image } = await decoder.decode();
  const bitmap = await createImageBitmap(image);
  image.close();
  decoder.close();
  return bitmap;
}

/** The level whose pixels are about as large as the screen's, at most a little larger.
 *
 * @param {number} zoom @param {Scene["levels"]} levels */
export const levelFor = (zoom, [finest, coarsest]) =>
  Math.max(finest, Math.min(coarsest, Math.floor(-Math.log2(zoom) + 0.35)));

/** @param {number} level @param {Scene["levels"]} levels */
export const coarseLevel = (level, [, coarsest]) => Math.min(coarsest, level + COARSER);

/** Tiles of a level in a rectangle of pixels: first and last column and row.
 *
 * @param {Kind} kind @param {number} level @param {Bounds} bounds @returns {Bounds} */
export function range(kind, level, bounds) {
  const size = SIDES[kind] * 2 ** level;
  return pair((i) => [Math.floor(bounds[i][0] / size), Math.ceil(bounds[i][1] / size) - 1]);
}

/** Their addresses, those near the centre first.
 *
 * @param {Kind} kind @param {string} scene @param {number} level @param {Bounds} bounds */
export function addresses(kind, scene, level, bounds) {
  const [[left, right], [top, bottom]] = range(kind, level, bounds);
  /** @type {[number, string][]} */
  const found = [];
  for (let row = top; row <= bottom; row++) {
    for (let col = left; col <= right; col++) {
      const far = Math.hypot(col - (left + right) / 2, row - (top + bottom) / 2);
      found.push([far, `${kind}/${scene}/${level}/${col}_${row}`]);
    }
  }
  return found.sort((a, b) => a[0] - b[0]).map(([, address]) => address);
}
