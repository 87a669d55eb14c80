// Tiles of scenes: requested while visible, cancelled when they no longer are.

import { image } from "./api.js";

export const SIDES = { glimpses: 64, tiles: 256 };  // side in pixels
const AT_ONCE = 6;           // concurrent requests
const MOST = 600;            // bitmaps kept, about 150 MB
const COARSER = 3;           // levels by which the first tiles are coarser

/** Emits "tile" when another tile has arrived. */
export class Tiles extends EventTarget {
  bitmaps = new Map();   // "kind/scene/level/col_row" → ImageBitmap, last used last
  asked = new Map();     // the same → AbortController
  failed = new Set();
  wanted = [];

  /** Request these tiles, in this order, and cancel all other requests. */
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

  async load(address) {
    const controller = new AbortController();
    this.asked.set(address, controller);
    try {
      const bitmap = await image(`${address}.png`, controller.signal);
      this.bitmaps.set(address, bitmap);
      while (this.bitmaps.size > MOST) {
        const [oldest, dropped] = this.bitmaps.entries().next().value;
        dropped.close();
        this.bitmaps.delete(oldest);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      if (error.status !== 0 && error.status !== 503 && error.status !== 410) this.failed.add(address);
      else await new Promise((resume) => setTimeout(resume, 1000));
    }
    if (this.asked.get(address) !== controller) return;
    this.asked.delete(address);
    this.wanted = this.wanted.filter((other) => other !== address);
    this.ask();
    this.dispatchEvent(new Event("tile"));
  }

  get(address) {
    const bitmap = this.bitmaps.get(address);
    if (bitmap) {
      this.bitmaps.delete(address);
      this.bitmaps.set(address, bitmap);
    }
    return bitmap;
  }
}

/** The level whose pixels are about as large as the screen's, at most a little larger. */
export const levelFor = (zoom, [finest, coarsest]) =>
  Math.max(finest, Math.min(coarsest, Math.floor(-Math.log2(zoom) + 0.35)));

export const coarseLevel = (level, [, coarsest]) => Math.min(coarsest, level + COARSER);

/** Tiles of a level in a rectangle of pixels: first and last column and row. */
export function range(kind, level, [[left, right], [top, bottom]]) {
  const size = SIDES[kind] * 2 ** level;
  return [[left, right], [top, bottom]].map(([from, to]) => [Math.floor(from / size), Math.ceil(to / size) - 1]);
}

/** Their addresses, those near the centre first. */
export function addresses(kind, scene, level, rectangle) {
  const [[left, right], [top, bottom]] = range(kind, level, rectangle);
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
