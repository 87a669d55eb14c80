// Controls for every key of a scene, built from the server's schema.

import { shape } from "./canvas.js";
import { button, byId, element, focusOn } from "./element.js";
import { control } from "./fields.js";
import { SHAPES } from "./frame.js";
import { latentControl } from "./latent.js";
import { paletteControl } from "./palette.js";
import { current, state } from "./state.js";

const panel = byId("controls");

/** Groups of keys by title; those after "more" are collapsed.
 *
 * @type {Record<string, string[]>} */
const GROUPS = {
  Network: ["cppn.preset", "cppn.seed", "cppn.depth", "cppn.width", "cppn.activations", "more", "cppn.mutations",
    "cppn.cross", "cppn.channels", "cppn.z_dim", "cppn.inputs", "cppn.residual", "cppn.gain", "cppn.decay", "cppn.contrast"],
  Latent: ["latent.seed", "latent.z"],
  Colour: ["output.palette", "output.color", "output.invert", "more", "output.shadow", "output.shade", "output.glow"],
  View: ["view.scale", "view.center", "view.rotation", "view.mirror", "view.radial", "view.repeat", "more",
    "view.aspect", "view.grid", "view.swap"],
  Canvas: ["canvas.width", "canvas.height", "canvas.print", "canvas.dpi", "canvas.bleed", "canvas.crop"],
  Output: ["output.dtype", "output.supersample", "output.dither", "more", "output.tolerance", "output.precision",
    "output.profile", "output.tile", "output.shard"],
  About: ["about.title", "about.artist", "about.copyright", "about.licence", "about.description", "about.share_scene"],
};
/** @type {Record<string, (key: string, schema: KeySchema, all: Schema) => Control>} */
const OWN = { "latent.z": latentControl, "output.palette": paletteControl };
const OPEN = ["Network", "Latent", "Colour", "View"];
/** @type {Map<string, Control>} */
const controls = new Map();

/** Build the controls of a schema.
 *
 * @param {Schema} schema */
export function begin(schema) {
  const all = Object.entries(schema.sections)
    .flatMap(([section, keys]) => Object.keys(keys).map((key) => `${section}.${key}`));
  const placed = Object.values(GROUPS).flat();
  const others = all.filter((key) => !placed.includes(key) && key !== "cppn.weights");
  for (const [title, keys] of Object.entries({ ...GROUPS, Others: others })) {
    if (!keys.length) continue;
    const group = element("details", { open: OPEN.includes(title) }, element("summary", { textContent: title }));
    if (title === "Canvas") group.append(shapes());
    let place = group;
    for (const key of keys) {
      if (key === "more") {
        place = element("details", {}, element("summary", { textContent: "More" }));
        group.append(place);
        continue;
      }
      const [section, name] = key.split(".");
      const made = (OWN[key] ?? control)(key, schema.sections[section][name], schema);
      controls.set(key, made);
      place.append(made.element);
    }
    panel.append(group);
  }
  state.addEventListener("scene", update);
  if (state.scene) update();
}

/** Aspect ratios offered for the canvas. */
function shapes() {
  const buttons = Object.entries(SHAPES).map(([name, aspect]) => button(name, `Shape ${name}`, () => shape(aspect)));
  const turned = button("turned", "Width for height", () => shape(current().canvas.height / current().canvas.width));
  return element("div", { className: "control wide several", role: "group", "aria-label": "shape" }, ...buttons, turned);
}

function update() {
  const scene = current();
  for (const [key, made] of controls) {
    const [section, name] = key.split(".");
    // A canvas on paper has no width and height of its own.
    const value = scene.values[section][name] ?? null;
    made.element.classList.toggle("own", JSON.stringify(value) !== JSON.stringify(made.usual));
    made.show(value, scene);
  }
}

/** Focus the controls. */
export const focus = () => focusOn(panel, "select, input, button");
