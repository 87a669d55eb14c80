// How a latent's values are spread: ["normal", mean, deviation] or ["uniform", least, most].

/** Where the sliders of its values reach. */
export const reachOf = ([kind, a, b]) =>
  (kind === "normal" ? [a - 3 * b, a + 3 * b] : [a - (b - a) / 2, b + (b - a) / 2]);
