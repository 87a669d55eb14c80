// The palette: a gradient whose stops are dragged, coloured, added and removed.

import { button, element, wayOf } from "./element.js";
import { note } from "./note.js";
import { mixed } from "./oklab.js";
import { drag } from "./pointer.js";
import { change, current } from "./state.js";

const MOST = 16;  // most stops that are edited individually
const AWAY = 40;  // CSS pixels above or below the gradient at which a stop is removed

/** Changes that set a palette; a network of three channels gets one channel for it. Null if it takes none.
 *
 * @param {string | string[]} palette */
export function coloured(palette) {
  const { network } = current();
  if (network.channels === 3 && network.own) {
    note("this weights file has colours of its own, and takes no palette", true);
    return null;
  }
  /** @type {Changes} */
  const changes = { output: { palette, color: null } };
  if (network.channels === 3) changes.cppn = { channels: 1 };
  return changes;
}

/** @param {string | string[]} palette */
const set = (palette, final = true) => {
  const changes = coloured(palette);
  if (changes) change(changes, final);
};

// ---- stops ---------------------------------------------------------------------------------------

/** A colour, "#rrggbb", at a place in percent.
 *
 * @typedef {{ colour: string, place: number }} Stop */

/** @param {number} i @param {number} count */
const evenly = (i, count) => (100 * i) / (count - 1);
/** @param {string} colour */
const long = (colour) => (colour.length === 4 ? `#${[...colour.slice(1)].map((digit) => digit + digit).join("")}` : colour);

/** The stops of a scene's palette: "#0b1d51 30%", or "#0b1d51" where all are even.
 *
 * @param {string[]} texts */
const stopsOf = (texts) => texts.map((text, i) => {
  const [colour, place] = text.split(" ");
  return { colour: long(colour), place: place ? parseInt(place, 10) : evenly(i, texts.length) };
});

/** @param {Stop[]} stops */
function written(stops) {
  const even = stops.every(({ place }, i) => Math.abs(place - evenly(i, stops.length)) < 1e-9);
  return stops.map(({ colour, place }) => (even ? colour : `${colour} ${Math.round(place)}%`));
}

/** Stops with another one added, in order; null if one is at the same whole percent.
 *
 * @param {Stop[]} stops @param {string} colour @param {number} place */
function withStop(stops, colour, place) {
  if (stops.some((other) => Math.round(other.place) === Math.round(place))) return null;
  return [...stops, { colour, place }].sort((a, b) => a.place - b.place);
}

/** The colour at a place, mixed in OKLab.
 *
 * @param {Stop[]} stops @param {number} place */
function colourAt(stops, place) {
  const after = stops.findIndex((stop) => stop.place > place);
  if (after < 0) return stops[stops.length - 1].colour;
  if (after === 0) return stops[0].colour;
  const [one, other] = [stops[after - 1], stops[after]];
  return mixed(one.colour, other.colour, (place - one.place) / (other.place - one.place));
}

/** Add a stop between each two.
 *
 * @param {Stop[]} stops */
const smoothed = (stops) => stops.slice(1).reduce((all, { place }, i) => {
  const middle = (stops[i].place + place) / 2;
  return withStop(all, colourAt(stops, middle), middle) ?? all;
}, stops);

/** Add a stop in the middle of the widest gap.
 *
 * @param {Stop[]} stops */
function filled(stops) {
  const gaps = stops.slice(1).map(({ place }, i) => place - stops[i].place);
  const i = gaps.indexOf(Math.max(...gaps));
  const middle = stops[i].place + gaps[i] / 2;
  return withStop(stops, colourAt(stops, middle), middle) ?? stops;
}

// ---- the control -----------------------------------------------------------------------------------

/** The control of output.palette.
 *
 * @param {string} key @param {KeySchema} schema @param {Schema} all @returns {Control} */
export function paletteControl(key, schema, all) {
  const gradient = element("div", { className: "gradient", role: "img", "aria-label": "The palette", title: "Click: one colour more" });
  const handles = element("div", { className: "stops", role: "group", "aria-label": "Colours" });
  const maps = element("select", { "aria-label": "Colour map", title: schema.help },
    element("option", { value: "", textContent: "a named one …" }),
    ...Object.keys(all.palettes).map((name) => element("option", { value: name, textContent: name })));
  maps.addEventListener("change", () => maps.value && set(maps.value));
  const picture = element("input", { type: "file", accept: "image/*", hidden: true });
  picture.addEventListener("change", () => {
    const file = picture.files?.[0];
    if (file) document.dispatchEvent(new CustomEvent("palette-from", { detail: file }));
    picture.value = "";
  });
  /** @type {Stop[]} */
  let stops = [];
  /** @type {HTMLInputElement[]} */
  let fields = [];  // of the stops, if there are few
  let dragged = false;
  /** @param {Stop[]} made */
  const put = (made, final = true) => set(written(made), final);
  const buttons = {
    any: button("⚄", "Any palette", () => set(`seed:${Math.floor(Math.random() * 100000)}`)),
    reverse: button("⇄", "Backwards", () => put(stops.map(({ colour, place }) => ({ colour, place: 100 - place })).reverse())),
    smooth: button("∿", "Smoother: twice the colours, mixed in OKLab", () => put(smoothed(stops))),
    even: button("⋯", "Evenly spaced", () => put(stops.map(({ colour }, i) => ({ colour, place: evenly(i, stops.length) })))),
    more: button("+", "One colour more, in the widest gap", () => put(filled(stops))),
    from: button("from a picture", "Take the colours of a picture", () => picture.click()),
    none: button("none", "Without a palette: the network's own colours", () => change({
      output: { palette: null, shadow: null, shade: null, glow: null }, cppn: { channels: 3 } })),
  };
  gradient.addEventListener("click", (event) => {
    const place = placeOf(event);
    const made = stops.length > 0 && stops.length < MOST && withStop(stops, colourAt(stops, place), place);
    if (made) put(made);
  });

  /** The pointer's place, in whole percent.
   *
   * @param {MouseEvent} event */
  function placeOf({ clientX }) {
    const { left, width } = gradient.getBoundingClientRect();
    return Math.max(0, Math.min(100, Math.round((100 * (clientX - left)) / width)));
  }

  /** @param {Value} value @param {Scene} scene */
  function show(value, scene) {
    stops = stopsOf(scene.palette ?? []);
    const few = stops.length > 1 && stops.length <= MOST;
    gradient.hidden = !stops.length;
    const space = scene.network.channels === 2 ? "in oklab " : "";  // as the picture mixes them
    gradient.style.backgroundImage = `linear-gradient(${space}to right, ${stops.map(({ colour, place }) => `${colour} ${place}%`).join(", ")})`;
    handles.hidden = !few;
    maps.value = typeof value === "string" && value in all.palettes ? value : "";
    buttons.reverse.disabled = !stops.length;
    buttons.smooth.disabled = buttons.even.disabled = !few;
    buttons.more.disabled = !few || stops.length === MOST;
    buttons.none.disabled = value === null || scene.network.own || scene.network.detail;
    const shown = few ? stops : [];
    if (fields.length !== shown.length) {
      fields = shown.map((_, i) => fieldOf(i));
      handles.replaceChildren(...fields.map((field) => element("div", { className: "stop" }, field)));
    }
    shown.forEach(({ colour, place }, i) => {
      fields[i].setAttribute("aria-label", `colour ${i + 1} of ${stops.length}, at ${Math.round(place)} %`);
      const { parentElement } = fields[i];
      if (parentElement) Object.assign(parentElement.style, { left: `${place}%`, background: colour });
    });
  }

  /** @param {number} i */
  function fieldOf(i) {
    const field = element("input", { type: "color", title: "Click: another colour. Drag, or an arrow: another place. Drag off, or Delete: none" });
    /** @param {boolean} final */
    const recolour = (final) => put(stops.with(i, { ...stops[i], colour: field.value }), final);
    field.addEventListener("pointerdown", (event) => move(event, i));
    field.addEventListener("click", (event) => (dragged ? event.preventDefault() : (field.value = stops[i].colour)));
    field.addEventListener("input", () => recolour(false));
    field.addEventListener("change", () => recolour(true));
    field.addEventListener("keydown", (event) => {
      const way = wayOf(event) * (event.shiftKey ? 10 : 1);
      const removes = ["Delete", "Backspace"].includes(event.key);
      if (!way && !removes) return;
      event.preventDefault();
      const rest = stops.toSpliced(i, 1), place = Math.max(0, Math.min(100, Math.round(stops[i].place) + way));
      const moved = removes ? rest : withStop(rest, stops[i].colour, place);
      if (!moved || moved.length < 2) return;
      put(moved);
      focus(removes ? Math.min(i, rest.length - 1) : moved.findIndex((stop) => stop.place === place));
    });
    return field;
  }

  /** @param {number} i */
  const focus = (i) => fields[i]?.focus();

  /** Move a stop with the pointer, past others too; dragging it off the gradient removes it.
   *
   * @param {PointerEvent} start @param {number} i */
  function move(start, i) {
    const { colour } = stops[i], rest = stops.toSpliced(i, 1);
    /** @type {Stop[] | null} */
    let moved = null;
    let place = 0;
    dragged = false;
    drag(start, (event) => {
      const { top, bottom } = gradient.getBoundingClientRect();
      const isOff = rest.length > 1 && (event.clientY < top - AWAY || event.clientY > bottom + AWAY);
      const next = isOff ? rest : withStop(rest, colour, placeOf(event));
      if (!next) return;
      dragged = true;
      moved = next;
      place = placeOf(event);
      put(moved, false);
    }, () => {
      if (!moved) return;
      put(moved);
      focus(moved.findIndex((stop) => stop.place === place));
    });
  }

  const made = element("div", { className: "control wide", role: "group", "aria-label": "palette" },
    element("div", { className: "row" }, element("span", { className: "label quiet", textContent: "palette", title: schema.help, style: "flex: 1" }), maps),
    gradient, handles, element("div", { className: "row", style: "flex-wrap: wrap" }, ...Object.values(buttons), picture));
  return { element: made, usual: null, show };
}
