// Mouse, touch, wheel, keys and buttons.

/** @type {(id: string) => any} */
const $ = (id) => document.getElementById(id);
const LEAST = 0.05;  // smallest zoom
let noticed = 0;

/** @param {string} text */
function notice(text, stay = false) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  clearTimeout(noticed);
  if (text && !stay) noticed = setTimeout(() => notice(""), 4000);
}

class Controls {
  /** @param {Picture} picture @param {Walk | Film} walk */
  constructor(picture, walk) {
    this.picture = picture;
    this.walk = walk;
    this.canvas = picture.canvas;
    /** @type {Map<number, number[]>} */
    this.fingers = new Map();
    this.pointers();
    this.actions = this.buttons();
    document.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => picture.change()).observe(this.canvas);
  }

  // Converts an offset from the screen's centre, in pixels, to plane units.
  /** @param {number} x @param {number} y */
  offset(x, y) {
    const { picture, canvas } = this, { view } = picture;
    const steps = picture.steps(canvas.clientWidth, canvas.clientHeight, view.zoom);
    const [a, b, c, d] = picture.matrix(steps, view.turn);
    return [a * x + b * y, c * x + d * y];
  }

  // Moves the view so that the point at `from` comes to `to`, zoomed and rotated; both from the centre.
  /** @param {number[]} from @param {number[]} to */
  move(from, to, factor = 1, turn = 0) {
    const { picture } = this, { view } = picture;
    const [u, v] = this.offset(from[0], from[1]), wanted = view.zoom * factor;
    view.u += u;
    view.v += v;
    view.zoom = Math.min(picture.config.zoom, Math.max(LEAST, wanted));
    view.turn += turn;
    const [back, down] = this.offset(to[0], to[1]);
    view.u -= back;
    view.v -= down;
    if (wanted > picture.config.zoom && factor > 1)
      notice(`${picture.config.zoom.toLocaleString("en")} : 1 is as far as this page goes in`);
    picture.change();
  }

  /** @param {MouseEvent} event */
  middle(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  pointers() {
    const { canvas, fingers } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, this.middle(event));
    });
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"]))
      canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = [...fingers.values()].slice(0, 2);
      fingers.set(event.pointerId, this.middle(event));
      const after = [...fingers.values()].slice(0, 2);
      if (after.length < 2) return this.move(before[0], after[0]);
      const [from, to] = [pair(before), pair(after)];
      this.move(from.middle, to.middle, to.length / from.length, from.angle - to.angle);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * [1, 24, 400][event.deltaMode];
      const at = this.middle(event);
      this.move(at, at, Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.002)));
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => {
      const at = this.middle(event);
      this.move(at, at, event.shiftKey ? 0.5 : 2);
    });
  }

  buttons() {
    /** @type {Record<string, (event?: MouseEvent | KeyboardEvent) => void>} */
    const actions = {
      in: () => this.move([0, 0], [0, 0], 1.5),
      out: () => this.move([0, 0], [0, 0], 1 / 1.5),
      home: () => this.picture.home(),
      turn: (event) => this.move([0, 0], [0, 0], 1, ((event?.shiftKey ? -1 : 1) * Math.PI) / 12),
      walk: () => $("walk").setAttribute("aria-pressed", this.walk.toggle()),
      next: () => {
        if (this.picture.walking) actions.walk();
        this.picture.z = randomLatent(this.picture.config);
        this.picture.change();
      },
      save: () => openSaving(this.picture),
      full: () => fullScreen(),
      info: () => {
        $("panel").hidden = !$("panel").hidden;
        $("info").setAttribute("aria-expanded", !$("panel").hidden);
      },
    };
    for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", action);
    $("copy")?.addEventListener("click", () => copyScene(this.picture));
    const { z, film } = this.picture.config;
    $("walk").hidden = !z.length && !film;
    $("next").hidden = !z.length || film;
    $("full").hidden = !document.fullscreenEnabled;
    return actions;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.target === $("scrub") && event.key.startsWith("Arrow")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || $("saving").open) return;
    const { actions } = this, far = Math.min(this.canvas.clientWidth, this.canvas.clientHeight) / 8;
    /** @type {Record<string, number[]>} */
    const arrow = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
    /** @type {Record<string, string>} */
    const keys = {
      "+": "in", "=": "in", "-": "out", 0: "home", Home: "home", r: "turn", f: "full", i: "info",
      s: "save", " ": "walk", n: "next",
    };
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (arrow[event.key]) this.move([0, 0], arrow[event.key]);
    else if (name === " " && event.target instanceof HTMLButtonElement) return;
    else if (keys[name] && !$(keys[name]).hidden) actions[keys[name]](event);
    else if (name === "Escape" && !$("panel").hidden) actions.info();
    else return;
    event.preventDefault();
  }
}

/** @param {number[][]} points */
function pair([a, b]) {
  const along = b[0] - a[0], down = b[1] - a[1];
  return {
    middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2],
    length: Math.max(Math.hypot(along, down), 1),
    angle: Math.atan2(down, along),
  };
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => notice("Full screen is not allowed here"));
}

/** @param {Picture} picture */
function openSaving(picture) {
  const [, , width, height] = picture.config.drawn;
  const wide = () => Math.round(Number($("pixels").value)) || 0;
  const high = () => Math.max(1, Math.round((wide() * height) / width));
  const tell = () => ($("height").textContent = `× ${high().toLocaleString("en")} pixels`);
  let stopped = false;
  $("pixels").oninput = tell;
  $("saving").onclose = () => (stopped = true);
  $("share").hidden = true;
  $("start").disabled = false;
  tell();
  $("saving").showModal();
  $("start").onclick = async () => {
    if (!$("pixels").reportValidity() || !wide()) return;
    $("start").disabled = true;
    $("share").hidden = false;
    $("share").value = 0;
    if (picture.walking) $("walk").click();
    const blob = await savedPicture(picture, wide(), high(), (share) => ($("share").value = share), () => stopped);
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${document.title}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    $("saving").close();
  };
}

// Blocks other drawing meanwhile.
/** @param {Picture} picture @param {[number, number, (share: number) => void, () => boolean]} rest */
async function savedPicture(picture, ...rest) {
  picture.busy = true;
  try {
    return await picture.locked(() => pngOf(picture, ...rest));
  } finally {
    picture.busy = false;
    picture.change();
  }
}
