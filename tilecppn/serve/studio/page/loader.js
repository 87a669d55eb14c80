// Pictures from the server, many in one request: requested while wanted, cancelled when they no longer are.
// More are requested before the last have come, so that the server always has something to draw.

import { AnswerError, stream } from "./api.js";

/** A request: the addresses still missing, and what aborts it.
 *
 * @typedef {{ missing: Set<string>, controller: AbortController }} Loading */

/** How a loader asks: where, for how many pictures at once, and after which
 * statuses again. All pictures of a request are drawn while any of them is wanted.
 *
 * @typedef {{ path: "tiles" | "thumbs", most: number, again: number[] }} Asking */

const REQUESTS = 2;  // most at once

export class Loader {
  /** @type {Set<Loading>} */
  loading = new Set();
  /** @type {string[]} */
  wanted = [];

  /** @param {Asking} asking
   * @param {(address: string, png: Png | null, status: number) => unknown} arrive gets each picture, null for
   * one that cannot be drawn */
  constructor(asking, arrive) {
    this.asking = asking;
    this.arrive = arrive;
  }

  /** Request these pictures, in this order, and cancel requests for none of them.
   *
   * @param {string[]} addresses */
  want(addresses) {
    this.wanted = addresses;
    for (const request of this.loading) {
      if (!addresses.some((address) => request.missing.has(address))) {
        request.controller.abort();
        this.loading.delete(request);
      }
    }
    this.ask();
  }

  ask() {
    while (this.loading.size < REQUESTS) {
      const asked = new Set([...this.loading].flatMap(({ missing }) => [...missing]));
      if (asked.size > this.asking.most / 2) return;  // they would be drawn in turns, not in their order
      const next = this.wanted.filter((address) => !asked.has(address)).slice(0, this.asking.most);
      if (!next.length) return;
      this.load(next);
    }
  }

  /** @param {string[]} addresses */
  async load(addresses) {
    const request = { missing: new Set(addresses), controller: new AbortController() };
    const { signal } = request.controller;
    this.loading.add(request);
    /** @type {Promise<void>[]} */
    const arriving = [];
    /** @param {string} address @param {number} status @param {Png} [png] */
    const found = (address, status, png) => {
      if (!this.asking.again.includes(status)) arriving.push(this.keep(address, status, png, request));
    };
    try {
      await stream(this.asking.path, addresses, signal, found);
    } catch (error) {
      if (signal.aborted) return;
      for (const address of addresses) found(address, error instanceof AnswerError ? error.status : 0);
    }
    await Promise.all(arriving);
    if (request.missing.size) await new Promise((resume) => setTimeout(resume, 1000));
    this.loading.delete(request);
    if (!signal.aborted) this.ask();
  }

  /** @param {string} address @param {number} status @param {Png | undefined} png @param {Loading} request */
  async keep(address, status, png, { missing }) {
    await this.arrive(address, status === 200 && png || null, status);
    missing.delete(address);
    this.wanted = this.wanted.filter((other) => other !== address);
    this.ask();
  }
}

/** A PNG as the address of an image, for which nothing is fetched.
 *
 * @param {Png} png */
export const dataUrl = (png) => `data:image/png;base64,${png.toBase64?.() ?? base64(png)}`;

/** What browsers of before 2025 lack.
 *
 * @param {Png} png */
function base64(png) {
  let text = "";
  for (let at = 0; at < png.length; at += 8192) text += String.fromCharCode(...png.subarray(at, at + 8192));
  return btoa(text);
}
