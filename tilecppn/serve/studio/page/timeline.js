// The time line of a film: draggable pictures, and the curves between them.

import { element, focusOn, svg, wayOf } from "./element.js";
import { drag } from "./pointer.js";

/** A picture of a film, with its label.
 *
 * @typedef {Knot & { label: string }} Shown */

/** A curve of samples from 0 to 1, as an SVG that fills its element.
 *
 * @param {number[]} samples */
function curve(samples) {
  const points = samples.map((value, i) => `${(100 * i) / (samples.length - 1)} ${100 * (1 - value)}`);
  const path = svg("path", { d: `M${points.join("L")}`, "vector-effect": "non-scaling-stroke" });
  return svg("svg", { viewBox: "-4 -6 108 112", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
}

/** The time line; `moved(knot)` is called when a picture has another time, `eased()` for another curve.
 *
 * @param {Schema["easings"]} easings @param {(knot: Shown) => void} moved @param {() => void} eased */
export function timeline(easings, moved, eased) {
  const line = element("div", { className: "line", role: "group", "aria-label": "Time line" });
  const choice = element("div", { className: "row curves", role: "group", hidden: true });
  const made = element("div", { hidden: true }, line, choice);
  /** @type {Shown[]} */
  let knots = [];
  let seconds = 1;
  /** @type {HTMLButtonElement[]} */
  let markers = [];
  /** @type {HTMLButtonElement[]} */
  let segments = [];
  /** @type {Shown | undefined} */
  let chosen;  // the picture whose curve is selected

  /** @param {Shown[]} now @param {number} length in seconds @param {boolean} loop */
  function show(now, length, loop) {
    knots = now;
    seconds = length;
    made.hidden = knots.length < 2;
    chosen = knots.find((knot) => knot === chosen);
    markers = knots.map(marker);
    segments = knots.slice(0, loop ? undefined : -1).map(segment);
    line.replaceChildren(...segments, ...markers);
    lay();
    choose(chosen);
  }

  /** Place all pictures at their times. */
  function lay() {
    /** @param {Knot} knot */
    const place = ({ time }) => Math.min(100, (100 * time) / seconds);
    const order = knots.toSorted((a, b) => a.time - b.time);
    knots.forEach((knot, i) => {
      markers[i].style.left = `${place(knot)}%`;
      markers[i].setAttribute("aria-label", `picture ${i + 1}, at ${knot.time} s`);
      const next = order[order.indexOf(knot) + 1];
      if (segments[i]) Object.assign(segments[i].style, { left: `${place(knot)}%`, right: `${next ? 100 - place(next) : 0}%` });
    });
  }

  /** @param {Shown} knot */
  function marker(knot) {
    const made = element("button", { type: "button", className: "knot", title: `${knot.label}. Drag, or an arrow: another time` },
      element("img", { src: `thumbs/96/${knot.id}.png`, alt: "", draggable: false }));
    /** @param {number} time */
    const at = (time) => (knot.time = Math.round(100 * Math.max(0, Math.min(seconds, time))) / 100);
    made.addEventListener("pointerdown", (start) => drag(start, ({ clientX }) => {
      const { left, width } = line.getBoundingClientRect();
      at((seconds * (clientX - left)) / width);
      lay();
    }, (has) => {
      if (has) moved(knot);
    }));
    made.addEventListener("keydown", (event) => {
      const way = wayOf(event);
      if (!way) return;
      event.preventDefault();
      at(knot.time + way * (event.shiftKey ? 1 : 0.1));
      moved(knot);
    });
    return made;
  }

  /** @param {Shown} knot @param {number} i */
  function segment(knot, i) {
    const title = `From picture ${i + 1} on: ${knot.easing}`;
    const made = element("button", { type: "button", className: "segment", title, "aria-label": title }, curve(easings[knot.easing]));
    made.addEventListener("click", () => choose(chosen === knot ? undefined : knot));
    return made;
  }

  /** Show the curves available for the transition after a picture.
   *
   * @param {Shown} [knot] */
  function choose(knot) {
    chosen = knot;
    segments.forEach((made, i) => made.setAttribute("aria-expanded", `${knots[i] === knot}`));
    choice.hidden = !knot;
    choice.replaceChildren(...(knot ? Object.entries(easings).map(([name, samples]) => {
      const made = element("button", { type: "button", className: "mini", title: name, "aria-label": name, "aria-pressed": knot.easing === name }, curve(samples));
      made.addEventListener("click", () => {
        knot.easing = name;
        eased();
        focusOn(choice, '[aria-pressed="true"]');
      });
      return made;
    }) : []));
  }

  return {
    element: made, show,
    /** @param {Shown} knot */
    focus: (knot) => markers[knots.indexOf(knot)]?.focus(),
  };
}
