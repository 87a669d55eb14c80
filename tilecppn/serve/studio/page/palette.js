// The palette: its stops, to be dragged, coloured, added and taken away.

import { button, element } from "./fields.js";
import { mixed } from "./oklab.js";
import { change, note, state } from "./state.js";

const MOST = 16;  // stops that are edited one by one

/** Changes that give the scene a palette; a network of three colours then has one. */
export function coloured(palette) {
  const { network } = state.scene;
  if (network.channels === 3 && network.own) {
    note("this weights file has colours of its own, and takes no palette", true);
    return null;
  }
  const changes = { output: { palette, color: null } };
  if (network.channels === 3) changes.cppn = { channels: 1 };
  return changes;
}

const set = (palette, final = true) => {
  const changes = coloured(palette);
  return changes && change(changes, final);
};

/** The control of output.palette. */
export function paletteControl(key, schema, all) {
  const gradient = element("div", { className: "gradient", role: "img", "aria-label": "The palette" });
  const stops = element("div", { className: "stops", role: "group", "aria-label": "Colours" });
  const maps = element("select", { "aria-label": "Colour map", title: schema.help },
    element("option", { value: "", textContent: "colour map …" }),
    ...Object.keys(all.palettes).map((name) => element("option", { value: name, textContent: name })));
  maps.addEventListener("change", () => maps.value && set(maps.value));
  const picture = element("input", { type: "file", accept: "image/*", hidden: true });
  picture.addEventListener("change", () => {
    if (picture.files[0]) document.dispatchEvent(new CustomEvent("palette-from", { detail: picture.files[0] }));
    picture.value = "";
  });
  const buttons = {
    any: button("⚄", "Any palette", () => set(`seed:${Math.floor(Math.random() * 100000)}`)),
    reverse: button("⇄", "Backwards", () => set([...colours].reverse())),
    smooth: button("∿", "Smoother: twice the colours, mixed in OKLab", () => set(smoothed(colours))),
    more: button("+", "One colour more", () => set([...colours, colours.at(-1)])),
    less: button("−", "One colour fewer", () => set(colours.slice(0, -1))),
    from: button("from a picture", "Take the colours of a picture", () => picture.click()),
    none: button("none", "Without a palette: the network's own colours", () => change({
      output: { palette: null, shadow: null, shade: null, glow: null }, cppn: { channels: 3 } })),
  };
  const made = element("div", { className: "control wide", role: "group", "aria-label": "palette" },
    element("div", { className: "row" }, element("span", { className: "label quiet", textContent: "palette", title: schema.help, style: "flex: 1" }), maps),
    gradient, stops, element("div", { className: "row", style: "flex-wrap: wrap" }, ...Object.values(buttons), picture));
  let colours = [];

  function show(value, scene) {
    colours = scene.palette ?? [];
    const few = colours.length > 1 && colours.length <= MOST;
    gradient.hidden = !colours.length;
    gradient.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
    stops.hidden = !few;
    maps.value = typeof value === "string" && value in all.palettes ? value : "";
    buttons.reverse.disabled = !colours.length;
    buttons.smooth.disabled = !few;
    buttons.more.disabled = !few || colours.length === MOST;
    buttons.less.disabled = !few || colours.length < 3;
    buttons.none.disabled = value === null || scene.network.own || scene.network.detail;
    if (stops.querySelector("input:focus") && stops.children.length === colours.length) {
      [...stops.children].forEach((stop, i) => (stop.style.background = colours[i]));
      return;
    }
    stops.replaceChildren(...(few ? colours.map(stop) : []));
  }

  function stop(colour, i) {
    const field = element("input", { type: "color", value: colour, title: "Click: another colour. Drag, or Alt and an arrow: another place",
      "aria-label": `colour ${i + 1} of ${colours.length}` });
    const box = element("div", { className: "stop", draggable: true, style: `background: ${colour}` }, field);
    field.addEventListener("input", () => set(colours.with(i, field.value), false));
    field.addEventListener("change", () => set(colours.with(i, field.value)));
    box.addEventListener("keydown", (event) => {
      const way = event.altKey && { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || !(i + way in colours)) return;
      event.preventDefault();
      set(moved(colours, i, i + way));
      stops.children[i + way].firstChild.focus();
    });
    box.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("application/x-stop", `${i}`);
      box.classList.add("dragged");
    });
    box.addEventListener("dragend", () => box.classList.remove("dragged"));
    box.addEventListener("dragover", (event) => event.dataTransfer.types.includes("application/x-stop") && event.preventDefault());
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const from = Number(event.dataTransfer.getData("application/x-stop"));
      if (from !== i) set(moved(colours, from, i));
    });
    return box;
  }

  return { element: made, usual: null, show };
}

function moved(list, from, to) {
  const left = list.toSpliced(from, 1);
  return left.toSpliced(to, 0, list[from]);
}

/** Colours with one between each two, mixed where equal steps look equal. */
function smoothed(colours) {
  return colours.flatMap((colour, i) => (i + 1 < colours.length ? [colour, mixed(colour, colours[i + 1], 0.5)] : [colour]));
}
