// The range of the sliders for a latent's values.

/** @param {Spread} spread @returns {Interval} */
export const reachOf = ([kind, a, b]) =>
  (kind === "normal" ? [a - 3 * b, a + 3 * b] : [a - (b - a) / 2, b + (b - a) / 2]);
