// The time line of a film: draggable pictures, and the curves between them.

import { element, svg } from "./element.js";
import { drag } from "./pointer.js";

/** A curve of samples from 0 to 1, as an SVG that fills its element. */
function curve(samples) {
  const points = samples.map((value, i) => `${(100 * i) / (samples.length - 1)} ${100 * (1 - value)}`);
  const path = svg("path", { d: `M${points.join("L")}`, "vector-effect": "non-scaling-stroke" });
  return svg("svg", { viewBox: "-4 -6 108 112", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
}

/** The time line; `moved(knot)` is called when a picture has another time, `eased()` for another curve.
 *
 * easings: name → samples. Returns its element, `show(knots, seconds, loop)` and `focus(i)`. */
export function timeline(easings, moved, eased) {
  const line = element("div", { className: "line", role: "group", "aria-label": "Time line" });
  const choice = element("div", { className: "row curves", role: "group", hidden: true });
  const made = element("div", { hidden: true }, line, choice);
  let knots = [], seconds = 1, loop = true, markers = [], segments = [];
  let chosen = null;  // the picture whose curve is selected

  function show(...now) {
    [knots, seconds, loop] = now;
    made.hidden = knots.length < 2;
    if (!knots.includes(chosen)) chosen = null;
    markers = knots.map(marker);
    segments = knots.slice(0, loop ? undefined : -1).map(segment);
    line.replaceChildren(...segments, ...markers);
    lay();
    choose(chosen);
  }

  /** Place all pictures at their times. */
  function lay() {
    const place = ({ time }) => Math.min(100, (100 * time) / seconds);
    const order = knots.toSorted((a, b) => a.time - b.time);
    knots.forEach((knot, i) => {
      markers[i].style.left = `${place(knot)}%`;
      markers[i].setAttribute("aria-label", `picture ${i + 1}, at ${knot.time} s`);
      const next = order[order.indexOf(knot) + 1];
      if (segments[i]) Object.assign(segments[i].style, { left: `${place(knot)}%`, right: `${next ? 100 - place(next) : 0}%` });
    });
  }

  function marker(knot) {
    const made = element("button", { type: "button", className: "knot", title: `${knot.label}. Drag, or an arrow: another time` },
      element("img", { src: `thumbs/96/${knot.id}.png`, alt: "", draggable: false }));
    const at = (time) => (knot.time = Math.round(100 * Math.max(0, Math.min(seconds, time))) / 100);
    made.addEventListener("pointerdown", (start) => drag(start, ({ clientX }) => {
      const { left, width } = line.getBoundingClientRect();
      at((seconds * (clientX - left)) / width);
      lay();
    }, (has) => has && moved(knot)));
    made.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key] * (event.shiftKey ? 10 : 1);
      if (!way) return;
      event.preventDefault();
      at(knot.time + way);
      moved(knot);
    });
    return made;
  }

  function segment(knot, i) {
    const title = `From picture ${i + 1} on: ${knot.easing}`;
    const made = element("button", { type: "button", className: "segment", title, "aria-label": title }, curve(easings[knot.easing]));
    made.addEventListener("click", () => choose(chosen === knot ? null : knot));
    return made;
  }

  /** Show the curves available for the transition after a picture. */
  function choose(knot) {
    chosen = knot;
    segments.forEach((made, i) => made.setAttribute("aria-expanded", knots[i] === knot));
    choice.hidden = !knot;
    choice.replaceChildren(...(knot ? Object.entries(easings).map(([name, samples]) => {
      const made = element("button", { type: "button", className: "mini", title: name, "aria-label": name, "aria-pressed": knot.easing === name }, curve(samples));
      made.addEventListener("click", () => {
        knot.easing = name;
        eased();
        choice.querySelector('[aria-pressed="true"]').focus();
      });
      return made;
    }) : []));
  }

  return { element: made, show, focus: (knot) => markers[knots.indexOf(knot)]?.focus() };
}
