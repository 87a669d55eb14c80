// OKLab (Björn Ottosson, 2020), a perceptually uniform colour space.

/** @param {number} v */
const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
/** @param {number} v */
const encoded = (v) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
/** @param {number[][]} matrix @param {number[]} vector */
const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, value, i) => sum + value * vector[i], 0));

const TO_LMS = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]];
const TO_LAB = [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]];
const FROM_LAB = [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]];
const FROM_LMS = [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965], [-0.0041960863, -0.7034186147, 1.707614701]];

/** @param {string} hex */
const toLab = (hex) => times(TO_LAB, times(TO_LMS, [1, 3, 5].map((i) => linear(parseInt(hex.slice(i, i + 2), 16) / 255))).map(Math.cbrt));
/** @param {number[]} lab */
const toHex = (lab) => "#" + times(FROM_LMS, times(FROM_LAB, lab).map((v) => v ** 3))
  .map((v) => Math.round(255 * encoded(Math.min(1, Math.max(0, v)))).toString(16).padStart(2, "0")).join("");

/** The colour at t from 0 to 1 between two "#rrggbb".
 *
 * @param {string} one @param {string} other @param {number} t */
export function mixed(one, other, t) {
  const [a, b] = [toLab(one), toLab(other)];
  return toHex(a.map((value, i) => value + t * (b[i] - value)));
}
