// Tiles of scenes: requested while visible, cancelled when they no longer are.

import { AnswerError, image } from "./api.js";
import { pair } from "./plane.js";

/** @typedef {"glimpses" | "tiles"} Kind */
/** @type {Kind[]} */
export const KINDS = ["glimpses", "tiles"];  // coarse ones first
export const SIDES = { glimpses: 64, tiles: 256 };  // side in pixels
const AT_ONCE = 6;           // concurrent requests
const MOST = 600;            // bitmaps kept, about 150 MB
const COARSER = 3;           // levels by which the first tiles are coarser

/** Emits "tile" when another tile has arrived. */
export class Tiles extends EventTarget {
  /** @type {Map<string, ImageBitmap>} */
  bitmaps = new Map();   // by address, "kind/scene/level/col_row", last used last
  /** @type {Map<string, AbortController>} */
  asked = new Map();
  /** @type {Set<string>} */
  failed = new Set();
  /** @type {string[]} */
  wanted = [];

  /** Request these tiles, in this order, and cancel all other requests.
   *
   * @param {string[]} addresses */
  want(addresses) {
    this.wanted = addresses.filter((address) => !this.bitmaps.has(address) && !this.failed.has(address));
    const keep = new Set(this.wanted);
    for (const [address, controller] of this.asked) {
      if (!keep.has(address)) {
        controller.abort();
        this.asked.delete(address);
      }
    }
    this.ask();
  }

  ask() {
    for (const address of this.wanted) {
      if (this.asked.size >= AT_ONCE) return;
      if (!this.asked.has(address)) this.load(address);
    }
  }

  /** @param {string} address */
  async load(address) {
    const controller = new AbortController();
    this.asked.set(address, controller);
    try {
      const bitmap = await image(`${address}.png`, controller.signal);
      this.bitmaps.set(address, bitmap);
      for (const [oldest, dropped] of this.bitmaps) {
        if (this.bitmaps.size <= MOST) break;
        dropped.close();
        this.bitmaps.delete(oldest);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      const passing = error instanceof AnswerError && [0, 410, 503].includes(error.status);
      if (passing) await new Promise((resume) => setTimeout(resume, 1000));
      else this.failed.add(address);
    }
    if (this.asked.get(address) !== controller) return;
    this.asked.delete(address);
    this.wanted = this.wanted.filter((other) => other !== address);
    this.ask();
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
