// One control for each kind of value, chosen by its schema.

import { button, element } from "./element.js";
import { change } from "./state.js";

/** What is in a control.
 *
 * @typedef {{ wide?: boolean, parts: Node[], show: Control["show"] }} Inner
 * @typedef {(key: string, schema: KeySchema, all: Schema) => Inner} Kind */

/** Ranges of sliders for unbounded values, and whether the scale is logarithmic.
 *
 * @type {Record<string, [from: number, to: number, ratio?: boolean]>} */
const REACH = {
  "view.rotation": [-180, 180], "view.scale": [0.05, 50, true], "output.glow": [0, 3], "canvas.dpi": [72, 600],
  "output.tolerance": [0, 2], "cppn.width": [1, 128], "cppn.depth": [1, 16], "view.radial": [2, 24],
  "output.supersample": [1, 8],
};
/** Text for a key without a value.
 *
 * @param {string} key */
const usual = (key) => (key.startsWith("view.") ? "none" : "the preset's own");

/** Set one key, or remove it with null.
 *
 * @param {string} key @param {Value} value */
export function set(key, value, final = true) {
  const [section, name] = key.split(".");
  return change({ [section]: { [name]: value } }, final);
}

/** @param {string} key */
const clearing = (key) => button("×", `Back to ${usual(key)}`, () => set(key, null));

/** The control of a key.
 *
 * @param {string} key @param {KeySchema} schema @param {Schema} all @returns {Control} */
export function control(key, schema, all) {
  const [, kind] = KINDS.find(([fits]) => fits(schema, key)) ?? [null, text];
  const inner = kind(key, schema, all);
  const wide = inner.wide ? " wide" : "";
  const label = element("span", {
    className: "label", textContent: label_of(key), title: `${schema.help}\n${key}: ${schema.allowed}`, id: `label-${key}`,
  });
  const made = element("div", { className: `control${wide}`, role: "group", "aria-labelledby": label.id },
    label, element("div", { className: "value" }, ...inner.parts));
  for (const field of made.querySelectorAll("input, select")) {
    if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", label_of(key));
    if (!field.hasAttribute("title")) field.setAttribute("title", schema.help);
  }
  return { element: made, usual: schema.default, show: inner.show };
}

/** @param {string} key */
export const label_of = (key) => {
  const name = key.split(".")[1].replaceAll("_", " ");
  return name === "z" ? "values" : name;
};

// ---- kinds ---------------------------------------------------------------------------------------

/** @type {Kind} */
function select(key, schema, all) {
  const titles = key === "cppn.preset" ? all.presets : {};
  const options = (schema.enum ?? []).map((value) => element("option", { value: JSON.stringify(value), textContent: `${value}`,
    title: titles[`${value}`] ?? "" }));
  if (schema.nullable) options.unshift(element("option", { value: "null", textContent: usual(key) }));
  const field = element("select", {}, ...options);
  field.addEventListener("change", () => set(key, JSON.parse(field.value)));
  return { parts: [field], show: (value) => (field.value = JSON.stringify(value)) };
}

/** @type {Kind} */
function toggle(key, schema, all) {
  if (schema.nullable) return select(key, { ...schema, enum: [true, false] }, all);
  const field = element("input", { type: "checkbox" });
  field.addEventListener("change", () => set(key, field.checked));
  return { parts: [field], show: (value) => (field.checked = value === true) };
}

/** @type {Kind} */
function seed(key) {
  const field = element("input", { type: "number", min: 0, step: 1 });
  /** @param {number} value */
  const go = (value) => set(key, Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, value)));
  field.addEventListener("change", () => field.validity.valid && field.value !== "" && go(Number(field.value)));
  let now = 0;
  return {
    parts: [button("−", "Previous seed", () => go(now - 1)), field, button("+", "Next seed", () => go(now + 1)),
      button("⚄", "Any seed", () => go(Math.floor(Math.random() * 100000)))],
    show: (value) => {
      now = Number(value);
      field.value = `${now}`;
    },
  };
}

/** A field for a number; `step` is 1 for integers.
 *
 * @param {KeySchema} schema */
const numberField = ({ type, minimum, maximum }) =>
  element("input", { type: "number", step: type === "integer" ? 1 : "any", min: minimum ?? "", max: maximum ?? "" });

/** A slider with a field beside it; the slider may reach less far than the field.
 *
 * @type {Kind} */
function number(key, schema, all) {
  const [from, to, ratio] = REACH[key] ?? [schema.minimum ?? -10, schema.maximum ?? 10];
  if (to - from > 1e6) return plainNumber(key, schema, all);
  const whole = schema.type === "integer";
  /** @param {number} value */
  const forth = (value) => (ratio ? Math.log(value) : value);
  const slider = element("input", { type: "range", min: forth(from), max: forth(to), step: whole ? 1 : "any" });
  const field = numberField(schema);
  const slid = () => {
    const value = ratio ? Math.exp(Number(slider.value)) : Number(slider.value);
    return whole ? Math.round(value) : Number(value.toPrecision(4));
  };
  slider.addEventListener("input", () => {
    field.value = `${slid()}`;
    set(key, slid(), false);
  });
  slider.addEventListener("change", () => set(key, slid()));
  field.addEventListener("change", () => field.value !== "" && field.validity.valid && set(key, Number(field.value)));
  const clear = clearing(key);
  if (schema.nullable) field.placeholder = "–";
  return { parts: [slider, field, ...(schema.nullable ? [clear] : [])], show: (value, scene) => {
    clear.disabled = value === null;
    if (slider.matches(":active")) return;
    field.value = value === null ? "" : `${Number(Number(value).toPrecision(6))}`;
    slider.value = `${forth(Number(value ?? actual(key, scene) ?? from))}`;
  } };
}

/** The value of a key that the scene does not set, if it is known.
 *
 * @param {string} key @param {Scene} scene */
const actual = (key, { network }) =>
  (key === "cppn.width" ? network.width : key === "cppn.depth" ? network.layers.length : null);

/** @type {Kind} */
function plainNumber(key, schema) {
  const field = numberField(schema);
  field.addEventListener("change", () => {
    if (field.value === "" && schema.nullable) set(key, null);
    else if (field.value !== "" && field.validity.valid) set(key, Number(field.value));
  });
  return { parts: [field], show: (value) => (field.value = `${value ?? ""}`) };
}

/** Text fields, also for lists of numbers: "0.75, 0.87".
 *
 * @type {Kind} */
function text(key, schema) {
  const list = schema.type === "array";
  const field = element("input", { type: "text", spellcheck: false, autocomplete: "off", placeholder: HINTS[schema.format ?? ""] ?? "–" });
  field.addEventListener("change", () => {
    const words = field.value.trim();
    if (words === "") return set(key, null);
    const values = words.split(/[\s,]+/).map(Number);
    return set(key, list ? values : words);
  });
  return { parts: [field], show: (value) => (field.value = Array.isArray(value)
    ? value.map((v) => Number(Number(v).toPrecision(9))).join(", ") : `${value ?? ""}`) };
}
/** @type {Record<string, string>} */
const HINTS = { sheet: "60x40in, A2 landscape", length: "3mm" };

/** @type {Kind} */
function colour(key) {
  const field = element("input", { type: "color" });
  field.addEventListener("input", () => set(key, field.value, false));
  field.addEventListener("change", () => set(key, field.value));
  const clear = clearing(key);
  return { parts: [field, clear], show: (value) => {
    field.value = `${value ?? "#000000"}`;
    clear.disabled = value === null;
  } };
}

/** @type {Kind} */
function activations(key, schema, all) {
  const box = element("div", { className: "several" });
  const clear = clearing(key);
  return { wide: true, parts: [box, clear], show: (value, { network }) => {
    clear.disabled = value === null;
    const layers = network.layers;
    const fields = layers.map((name, i) => {
      const names = [...new Set([name, ...Object.keys(all.activations)])];
      const field = element("select", { title: all.activations[name] ?? "", "aria-label": `layer ${i + 1}`, disabled: network.own },
        ...names.map((option) => element("option", { value: option, textContent: option, title: all.activations[option] ?? "" })));
      field.value = name;
      field.addEventListener("change", () => set(key, layers.with(i, field.value)));
      return field;
    });
    box.replaceChildren(...fields);
  } };
}

/** @type {Kind} */
function choices(key, schema) {
  const names = schema.items?.enum ?? [];
  const fields = names.map(() => element("input", { type: "checkbox" }));
  const labels = fields.map((field, i) => element("label", {}, field, names[i]));
  for (const field of fields) {
    field.addEventListener("change", () => set(key, names.filter((_, i) => fields[i].checked)));
  }
  const clear = clearing(key);
  return { parts: [element("div", { className: "checks" }, ...labels), clear], show: (value) => {
    const chosen = Array.isArray(value) ? value : ["x", "y", "r", "z"];
    fields.forEach((field, i) => (field.checked = chosen.includes(names[i])));
    clear.disabled = value === null;
  } };
}

/** Mutations: their number, and a button to remove the last.
 *
 * @type {Kind} */
function mutations(key) {
  const words = element("span", { className: "quiet" });
  const less = button("−", "Undo the last mutation", () => set(key, now.length > 1 ? now.slice(0, -1) : null));
  /** @type {SeededAmount[]} */
  let now = [];
  return { parts: [words, less], show: (value, scene) => {
    now = scene.values.cppn.mutations ?? [];
    words.textContent = now.length ? `${now.length}, the last by ${now[now.length - 1].amount}` : "none";
    less.disabled = !now.length;
  } };
}

/** A crossing: the other seed, and the share of its network.
 *
 * @type {Kind} */
function cross(key) {
  const field = element("input", { type: "number", min: 0, placeholder: "seed", "aria-label": "seed of the other network" });
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "share of its units" });
  const entered = () => (field.value === "" ? null : { seed: Number(field.value), amount: Number(slider.value) });
  field.addEventListener("change", () => field.validity.valid && set(key, entered()));
  slider.addEventListener("input", () => entered() && set(key, entered(), false));
  slider.addEventListener("change", () => entered() && set(key, entered()));
  return { parts: [field, slider], show: (value, scene) => {
    const now = scene.values.cppn.cross;
    field.value = `${now?.seed ?? ""}`;
    slider.value = `${now?.amount ?? 0.3}`;
    slider.disabled = now === null;
  } };
}

/** The first row whose test matches makes the control; a text field, if none does.
 *
 * @type {[fits: (schema: KeySchema, key: string) => unknown, Kind][]} */
const KINDS = [
  [(schema, key) => key.endsWith(".seed"), seed],
  [(schema, key) => key === "cppn.activations", activations],
  [(schema) => schema.type === "array" && schema.items?.enum, choices],
  [(schema) => schema.type === "array" && schema.items?.type === "object", mutations],
  [(schema) => schema.type === "object", cross],
  [(schema) => schema.enum, select],
  [(schema) => schema.type === "boolean", toggle],
  [(schema) => schema.format === "color", colour],
  [(schema) => schema.type === "integer" || schema.type === "number", number],
];
