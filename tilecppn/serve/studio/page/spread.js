// The distribution of a latent's values: ["normal", mean, deviation] or ["uniform", least, most].

/** The range of the sliders for its values. */
export const reachOf = ([kind, a, b]) =>
  (kind === "normal" ? [a - 3 * b, a + 3 * b] : [a - (b - a) / 2, b + (b - a) / 2]);
