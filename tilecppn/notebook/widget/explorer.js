// The widget that shows a scene; modules of the studio's page are prepended (`explorer.py`).

const COARSE = 4;    // while something moves, the side is divided by this
const WIDEST = 640;  // CSS pixels of the picture's longer side

function render({ model, el }) {
  const name = Math.random().toString(36).slice(2);
  const view = element("canvas", { className: "tilecppn-view", tabIndex: 0, role: "img",
    "aria-label": "The picture. Arrow keys move, plus and minus zoom." });
  const fault = element("p", { className: "tilecppn-fault", role: "alert", hidden: true });
  const controls = element("div", { className: "tilecppn-controls" });
  el.append(element("div", { className: "tilecppn" }, view, fault, controls));
  const context = view.getContext("2d");
  const camera = new Camera();
  let scene = null, first = null, bitmap = null;
  let sent = null;       // the camera at the time of the pending request
  let changes = {};      // changes for the next request
  let coarse = false;    // whether the last picture was drawn at low resolution
  let moved = false;     // whether the camera has left the scene's view
  let stale = false;     // whether another view has changed the scene meanwhile

  // ---- requests ----

  function change(section, keys) {
    changes[section] = { ...changes[section], ...keys };
    ask(true);
  }

  function ask(hasty) {
    if (sent) return;
    const side = Math.round(Math.max(view.width, view.height) / (hasty ? COARSE : 1));
    coarse = hasty;
    if (moved) changes.view = { ...seen(), ...changes.view };
    sent = { center: camera.center, zoom: camera.zoom, fit: scene ? fitting() : camera.zoom };
    moved = stale = false;
    model.send({ view: name, changes, side });
    changes = {};
  }

  async function hear({ view: to, error, scene: found, changed_by: by }, buffers) {
    if (by !== undefined && by !== name) {
      stale = true;
      ask(false);
    }
    if (to !== name) return;
    if (error) {
      fault.textContent = error;
      moved = coarse = false;
    } else {
      bitmap = await createImageBitmap(new Blob([buffers[0]], { type: "image/png" }));
      scene = found;
      first ??= scene;
    }
    fault.hidden = !error;
    const before = sent;
    sent = null;
    if (!scene) return;
    arrive(before);
    draw();
    update();
    if (moved || Object.keys(changes).length) ask(true);
    else if (coarse || stale) ask(false);
  }

  // ---- the picture ----

  const middle = () => [0, 1].map((i) => scene.canvas.origin[1 - i] + [scene.canvas.width, scene.canvas.height][i] / 2);
  const fitting = () => view.width / scene.canvas.width;

  /** Take the view of the answer, and keep what was moved since it was asked for. */
  function arrive(before) {
    const { width, height } = scene.canvas, sharp = Math.min(devicePixelRatio, 2);
    const wide = Math.min(el.clientWidth || WIDEST, WIDEST, (WIDEST * width) / height);
    const [across, down] = [wide, (wide * height) / width].map((side) => Math.max(1, Math.round(side * sharp)));
    if (view.width !== across || view.height !== down) {
      Object.assign(view, { width: across, height: down });
      view.style.width = `${across / sharp}px`;
      coarse = true;
    }
    const further = moved ? camera.center.map((value, i) => ((value - before.center[i]) * before.zoom) / before.fit) : [0, 0];
    const closer = moved ? camera.zoom / before.zoom : 1;
    Object.assign(camera, { width: across, height: down, zoom: fitting() * closer });
    camera.center = middle().map((value, i) => value + further[i]);
  }

  function draw() {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    if (!bitmap) return;
    const { width, height, origin } = scene.canvas;
    const [x, y] = camera.toScreen([origin[1], origin[0]]);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, x, y, width * camera.zoom, height * camera.zoom);
  }

  /** The [view] that the camera sees. */
  function seen() {
    const { values, grid } = scene;
    const scale = (values.view.scale * fitting()) / camera.zoom;
    // Symmetry is about the centre of the picture.
    return isFolded(scene) ? { scale } : { scale, center: toPlane(grid, camera.center) };
  }

  function move(turn) {
    if (!scene) return;
    turn();
    moved = true;
    draw();
    ask(true);
  }
  const zoomBy = (times, place = [view.width / 2, view.height / 2]) =>
    move(() => camera.around(place, () => (camera.zoom *= times)));
  const moveBy = (dx, dy) =>
    move(() => (camera.center = camera.toPixel([view.width / 2 + dx, view.height / 2 + dy])));

  let held = null;
  const placeOf = ({ offsetX, offsetY }) => [offsetX, offsetY].map((value) => (value * view.width) / view.clientWidth);
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId);
    held = placeOf(event);
  });
  view.addEventListener("pointermove", (event) => {
    if (!held) return;
    const now = placeOf(event);
    moveBy(held[0] - now[0], held[1] - now[1]);
    held = now;
  });
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => (held = null));
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(2 ** (-Math.max(-240, Math.min(240, event.deltaY)) / 300), placeOf(event));
  }, { passive: false });
  const KEYS = {
    ArrowLeft: () => moveBy(-view.width / 12, 0), ArrowRight: () => moveBy(view.width / 12, 0),
    ArrowUp: () => moveBy(0, -view.width / 12), ArrowDown: () => moveBy(0, view.width / 12),
    "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8),
  };
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    event.stopPropagation();  // the notebook has its own key bindings
    KEYS[event.key]();
  });

  // ---- controls ----

  const shows = [];  // functions that each display one value of the scene
  let layout = "";

  /** A labelled field; `show` gives its value, `run` is called with a new one. */
  function control(label, properties, show, run) {
    const field = element("input", { type: "range", step: "any", ...properties });
    field.addEventListener("input", () => field.value !== "" && field.validity.valid && run(Number(field.value)));
    shows.push(() => document.activeElement === field && field.matches(":active") || (field.value = show()));
    return element("label", {}, element("span", { textContent: label }), field);
  }

  function build() {
    shows.length = 0;
    const { z, network: { own, spread } } = scene;
    const [min, max] = reachOf(spread);
    const made = [];
    if (!own) made.push(control("seed", { type: "number", min: 0, step: 1 }, () => scene.values.cppn.seed, (seed) => change("cppn", { seed })));
    made.push(
      control("scale", { min: Math.log(0.05), max: Math.log(50) }, () => Math.log(scene.values.view.scale), (value) => change("view", { scale: Math.exp(value) })),
      control("rotation", { min: -180, max: 180 }, () => scene.values.view.rotation, (rotation) => change("view", { rotation })),
      ...z.map((_, i) => control(`z ${i}`, { min, max }, () => scene.z[i],
        (value) => change("latent", { z: (changes.latent?.z ?? scene.z).with(i, value) }))),
      button("Back to the first view", "Back to the first view", () => {
        const { center, scale, rotation } = first.values.view;
        moved = false;
        change("view", { center, scale, rotation });
      }),
    );
    controls.replaceChildren(...made);
  }

  function update() {
    const now = JSON.stringify([scene.z.length, scene.network.own, scene.network.spread]);
    if (now !== layout) build();
    layout = now;
    for (const show of shows) show();
  }

  // ---- start ----

  model.on("msg:custom", hear);
  view.width = view.height = 256;
  ask(false);
  return () => model.off("msg:custom", hear);
}

export default { render };
