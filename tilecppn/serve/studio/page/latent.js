// The latent: a slider for each of its values, and a walk.

import { button, element } from "./element.js";
import { label_of } from "./fields.js";
import { reachOf } from "./spread.js";
import { change, current } from "./state.js";

const MOST = 64;  // most sliders

/** The control of latent.z.
 *
 * @param {string} key @param {KeySchema} schema @returns {Control} */
export function latentControl(key, schema) {
  const bars = element("div", { className: "bars" });
  const clear = button("×", "Back to the seed's values", () => change({ latent: { z: null } }));
  const walk = button("Walk", "Let the latent wander (again to stop)", toggleWalk);
  walk.setAttribute("aria-pressed", "false");
  const made = element("div", { className: "control wide", role: "group", "aria-label": "latent values" },
    element("div", { className: "row" }, element("span", { className: "label quiet", textContent: label_of(key), title: schema.help }), walk, clear), bars);
  /** @type {HTMLInputElement[]} */
  let sliders = [];
  const now = () => sliders.map((slider) => Number(slider.value));
  const whole = () => [...now(), ...current().z.slice(sliders.length)];

  /** @param {number} count @param {Spread} spread */
  function build(count, spread) {
    const [from, to] = reachOf(spread);
    sliders = Array.from({ length: Math.min(count, MOST) }, (_, i) => {
      const slider = element("input", { type: "range", min: from, max: to, step: "any", "aria-label": `latent value ${i}` });
      slider.addEventListener("input", () => change({ latent: { z: whole() } }, false));
      slider.addEventListener("change", () => change({ latent: { z: whole() } }));
      return slider;
    });
    bars.replaceChildren(...sliders.map((slider, i) => element("label", {}, element("span", { textContent: i }), slider)));
  }

  let walking = 0;
  function toggleWalk() {
    walk.setAttribute("aria-pressed", `${!walking}`);
    if (walking) {
      cancelAnimationFrame(walking);
      walking = 0;
      change({ latent: { z: whole() } });
      return;
    }
    const speed = whole().map(() => 0);
    let before = performance.now();
    /** @param {number} time */
    const stride = (time) => {
      const dt = Math.min(0.1, (time - before) / 1000), [kind, a, b] = current().network.spread;
      before = time;
      const [low, high] = kind === "normal" ? [a - 2 * b, a + 2 * b] : [a, b];
      const z = current().z.map((value, i) => {
        speed[i] += (Math.random() - 0.5) * 12 * (high - low) * dt - 1.5 * speed[i] * dt;
        speed[i] -= (Math.max(0, value - high) - Math.max(0, low - value)) * 4 * dt;
        return value + speed[i] * dt;
      });
      if (!document.hidden) change({ latent: { z } }, false);
      walking = requestAnimationFrame(stride);
    };
    walking = requestAnimationFrame(stride);
  }

  return { element: made, usual: null, show: (value, scene) => {
    made.hidden = scene.z.length === 0;
    clear.disabled = value === null;
    const range = JSON.stringify([scene.z.length, scene.network.spread]);
    if (made.dataset.range !== range) {
      made.dataset.range = range;
      build(scene.z.length, scene.network.spread);
    }
    sliders.forEach((slider, i) => slider.matches(":active") || (slider.value = `${scene.z[i]}`));
  } };
}
