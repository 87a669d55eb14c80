// One control for each kind of value, chosen by its schema.

import { button, element } from "./element.js";
import { change } from "./state.js";

/** Ranges of sliders for unbounded values: [from, to], and whether the scale is logarithmic. */
const REACH = {
  "view.rotation": [-180, 180], "view.scale": [0.05, 50, true], "output.glow": [0, 3], "canvas.dpi": [72, 600],
  "output.tolerance": [0, 2], "cppn.width": [1, 128], "cppn.depth": [1, 16], "view.radial": [2, 24],
  "output.supersample": [1, 8],
};
/** Text for a key without a value. */
const usual = (key) => (key.startsWith("view.") ? "none" : "the preset's own");

/** Set one key, or remove it with null. */
export function set(key, value, final = true) {
  const [section, name] = key.split(".");
  return change({ [section]: { [name]: value } }, final);
}

const clearing = (key) => button("×", `Back to ${usual(key)}`, () => set(key, null));

/** A control: `element`, `show(value, scene)`, and `usual`, the default. */
export function control(key, schema, all) {
  const kind = KINDS.find(([fits]) => fits(schema, key))[1];
  const inner = kind(key, schema, all);
  const wide = inner.wide ? " wide" : "";
  const label = element("span", {
    className: "label", textContent: label_of(key), title: `${schema.help}\n${key}: ${schema.allowed}`, id: `label-${key}`,
  });
  const made = element("div", { className: `control${wide}`, role: "group", "aria-labelledby": label.id },
    label, element("div", { className: "value" }, ...inner.parts));
  for (const field of made.querySelectorAll("input, select, textarea")) {
    if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", label.textContent);
    field.title ||= schema.help;
  }
  return { element: made, usual: schema.default, show: inner.show };
}

export const label_of = (key) => {
  const name = key.split(".")[1].replaceAll("_", " ");
  return name === "z" ? "values" : name;
};

// ---- kinds ---------------------------------------------------------------------------------------

function select(key, schema, all) {
  const named = { "cppn.preset": all.presets };
  const options = schema.enum.map((value) => element("option", { value: JSON.stringify(value), textContent: `${value}`,
    title: named[key]?.[value] ?? "" }));
  if (schema.nullable) options.unshift(element("option", { value: "null", textContent: usual(key) }));
  const field = element("select", {}, ...options);
  field.addEventListener("change", () => set(key, JSON.parse(field.value)));
  return { parts: [field], show: (value) => (field.value = JSON.stringify(value)) };
}

function toggle(key, schema) {
  if (schema.nullable) return select(key, { ...schema, enum: [true, false] }, {});
  const field = element("input", { type: "checkbox" });
  field.addEventListener("change", () => set(key, field.checked));
  return { parts: [field], show: (value) => (field.checked = value) };
}

function seed(key) {
  const field = element("input", { type: "number", min: 0, step: 1 });
  const go = (value) => set(key, Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, value)));
  field.addEventListener("change", () => field.validity.valid && field.value !== "" && go(Number(field.value)));
  let now = 0;
  return {
    parts: [button("−", "Previous seed", () => go(now - 1)), field, button("+", "Next seed", () => go(now + 1)),
      button("⚄", "Any seed", () => go(Math.floor(Math.random() * 100000)))],
    show: (value) => (field.value = now = value),
  };
}

/** A slider with a field beside it; the slider may reach less far than the field. */
function slide({ from, to, ratio, whole, onInput, onChange, label }) {
  const forth = ratio ? Math.log : (value) => value, back = ratio ? Math.exp : (value) => value;
  const slider = element("input", { type: "range", min: forth(from), max: forth(to), step: whole ? 1 : "any", "aria-label": label });
  const field = element("input", { type: "number", step: whole ? 1 : "any", "aria-label": label });
  const value = () => (whole ? Math.round(back(Number(slider.value))) : Number(back(Number(slider.value)).toPrecision(4)));
  slider.addEventListener("input", () => {
    field.value = value();
    onInput(value());
  });
  slider.addEventListener("change", () => onChange(value()));
  field.addEventListener("change", () => field.value !== "" && field.validity.valid && onChange(Number(field.value)));
  return {
    slider, field,
    show: (now) => {
      if (document.activeElement === slider && slider.matches(":active")) return;
      field.value = now === null ? "" : Number(Number(now).toPrecision(6));
      slider.value = forth(now ?? from);
    },
  };
}

function number(key, schema) {
  const [from, to, ratio] = REACH[key] ?? [schema.minimum ?? -10, schema.maximum ?? 10];
  if (to - from > 1e6) return plainNumber(key, schema);
  const made = slide({
    from, to, ratio, whole: schema.type === "integer", label: label_of(key),
    onInput: (value) => set(key, value, false), onChange: (value) => set(key, value),
  });
  bound(made.field, schema);
  const parts = [made.slider, made.field];
  if (!schema.nullable) return { parts, show: made.show };
  made.field.placeholder = "–";
  const clear = clearing(key);
  return { parts: [...parts, clear], show: (value, scene) => {
    made.show(value ?? actual(key, scene));
    if (value === null) made.field.value = "";
    clear.disabled = value === null;
  } };
}

const bound = (field, { minimum = "", maximum = "" }) => Object.assign(field, { min: minimum, max: maximum });

/** The value of a key that the scene does not set, if it is known. */
const actual = (key, { network }) => ({ "cppn.width": network.width, "cppn.depth": network.layers.length })[key] ?? null;

function plainNumber(key, schema) {
  const field = element("input", { type: "number", step: schema.type === "integer" ? 1 : "any" });
  bound(field, schema);
  field.addEventListener("change", () => {
    if (field.value === "" && schema.nullable) set(key, null);
    else if (field.value !== "" && field.validity.valid) set(key, Number(field.value));
  });
  return { parts: [field], show: (value) => (field.value = value ?? "") };
}

/** Text fields, also for lists of numbers: "0.75, 0.87". */
function text(key, schema) {
  const list = schema.type === "array";
  const field = element("input", { type: "text", spellcheck: false, autocomplete: "off", placeholder: HINTS[schema.format] ?? "–" });
  field.addEventListener("change", () => {
    const words = field.value.trim();
    if (words === "") return set(key, null);
    const values = words.split(/[\s,]+/).map(Number);
    return set(key, list ? values : words);
  });
  return { parts: [field], show: (value) => (field.value = list ? (value ?? []).map((v) => Number(v.toPrecision(9))).join(", ") : value ?? "") };
}
const HINTS = { sheet: "60x40in, A2 landscape", length: "3mm" };

function colour(key) {
  const field = element("input", { type: "color" });
  field.addEventListener("input", () => set(key, field.value, false));
  field.addEventListener("change", () => set(key, field.value));
  const clear = clearing(key);
  return { parts: [field, clear], show: (value) => {
    field.value = value ?? "#000000";
    clear.disabled = value === null;
  } };
}

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

function choices(key, schema) {
  const fields = schema.items.enum.map((name) => [name, element("input", { type: "checkbox" })]);
  const labels = fields.map(([name, field]) => element("label", {}, field, name));
  for (const [, field] of fields) {
    field.addEventListener("change", () => set(key, fields.filter(([, f]) => f.checked).map(([name]) => name)));
  }
  const clear = clearing(key);
  return { parts: [element("div", { className: "checks" }, ...labels), clear], show: (value) => {
    for (const [name, field] of fields) field.checked = value ? value.includes(name) : ["x", "y", "r", "z"].includes(name);
    clear.disabled = value === null;
  } };
}

/** Mutations: their number, and a button to remove the last. */
function mutations(key) {
  const words = element("span", { className: "quiet" });
  const less = button("−", "Undo the last mutation", () => set(key, now.length > 1 ? now.slice(0, -1) : null));
  let now = [];
  return { parts: [words, less], show: (value) => {
    now = value ?? [];
    words.textContent = now.length ? `${now.length}, the last by ${now.at(-1).amount}` : "none";
    less.disabled = !now.length;
  } };
}

/** A crossing: the other seed, and the share of its network. */
function cross(key) {
  const field = element("input", { type: "number", min: 0, placeholder: "seed", "aria-label": "seed of the other network" });
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "share of its units" });
  const value = () => (field.value === "" ? null : { seed: Number(field.value), amount: Number(slider.value) });
  field.addEventListener("change", () => field.validity.valid && set(key, value()));
  slider.addEventListener("input", () => value() && set(key, value(), false));
  slider.addEventListener("change", () => value() && set(key, value()));
  return { parts: [field, slider], show: (now) => {
    field.value = now?.seed ?? "";
    slider.value = now?.amount ?? 0.3;
    slider.disabled = now === null;
  } };
}

/** The first row whose test matches makes the control. */
const KINDS = [
  [(schema, key) => key.endsWith(".seed"), seed],
  [(schema, key) => key === "cppn.activations", activations],
  [(schema) => schema.type === "array" && schema.items?.enum, choices],
  [(schema) => schema.type === "array" && schema.items?.type === "object", mutations],
  [(schema) => schema.type === "object", cross],
  [(schema) => schema.enum, select],
  [(schema) => schema.type === "boolean", toggle],
  [(schema) => schema.format === "color", colour],
  [(schema) => ["integer", "number"].includes(schema.type), number],
  [() => true, text],
];
