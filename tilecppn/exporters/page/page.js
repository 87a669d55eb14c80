"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const picture = data.source;

  let noteTimer = 0;
  function note(text, seconds = 2.5) {
    $("note").textContent = text;
    $("note").hidden = false;
    clearTimeout(noteTimer);
    if (seconds) noteTimer = setTimeout(() => { $("note").hidden = true; }, 1000 * seconds);
  }

  $("scene").textContent = data.scene;
  if (typeof OpenSeadragon === "undefined") {
    note("The picture's folder is missing: keep “" + data.files + "” beside this page.", 0);
    return;
  }

  // ---- the viewer --------------------------------------------------------------------------

  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const gestures = { clickToZoom: false, dblClickToZoom: true, flickEnabled: true };
  const viewer = window.viewer = OpenSeadragon({
    element: $("view"),
    tileSources: new OpenSeadragon.DziTileSource(picture),
    drawer: "canvas",                    // WebGL cannot use tiles that come from file://
    smoothTileEdgesMinZoom: Infinity,    // `place` below leaves no edges to smooth
    showNavigationControl: false,
    showNavigator: true,
    navigatorElement: $("map"),
    navigatorRotate: false,
    navigatorOpacity: 1,
    navigatorDisplayRegionColor: "rgba(255, 255, 255, 0.85)",
    animationTime: calm ? 0.01 : 0.8,
    blendTime: calm ? 0 : 0.12,
    springStiffness: 8,
    zoomPerScroll: 1.25,
    visibilityRatio: 0.4,
    minZoomImageRatio: 0.8,
    maxZoomPixelRatio: Math.max(8, innerWidth / picture.width, innerHeight / picture.height),
    gestureSettingsMouse: gestures,
    gestureSettingsPen: gestures,
    tileRetryMax: picture.queryParams ? 3 : 0,  // a server may be busy for a moment
    tileRetryDelay: 1500,
    maxTilesPerFrame: 4,
    imageLoaderLimit: 8,
    // About half a gigabyte of decoded tiles.
    maxImageCacheCount: Math.min(400, Math.max(12, Math.floor(2 ** 27 / picture.tileSize ** 2))),
  });
  const viewport = viewer.viewport;

  // ---- crisp tiles -------------------------------------------------------------------------

  // OpenSeadragon draws tiles without overlap one pixel too large, so that no gap shows between
  // them, which makes them unsharp. Instead every edge is put on a whole screen pixel: neighbours
  // share it, so there is neither gap nor overlap, and at 1:1 each pixel is the file's own.
  function place({ context, tile }) {
    const m = context.getTransform();
    const level = tile.level - picture.maxLevel;
    context.imageSmoothingEnabled = !(level === 0 && pixelSize() > 1.0001);
    const upright = Math.abs(m.b) + Math.abs(m.c) < 1e-6;
    const sideways = Math.abs(m.a) + Math.abs(m.d) < 1e-6;
    if (!upright && !sideways) return;  // in mid-turn

    const ratio = OpenSeadragon.pixelDensityRatio;
    const bleed = picture.tileOverlap ? 0 : 1;
    const x = tile.position.x * ratio, w = (tile.size.x - bleed) * ratio;
    const y = tile.position.y * ratio, h = (tile.size.y - bleed) * ratio;
    const put = (px, py) => [
      Math.round(m.a * px + m.c * py + m.e), Math.round(m.b * px + m.d * py + m.f),
    ];
    const [left, top] = put(x, y);
    const [right, bottom] = put(x + w, y + h);
    const drawnWidth = tile.size.x * ratio, drawnHeight = tile.size.y * ratio;
    if (upright) {
      const a = (right - left) / drawnWidth, d = (bottom - top) / drawnHeight;
      context.setTransform(a, 0, 0, d, left - a * x, top - d * y);
    } else {
      const b = (bottom - top) / drawnWidth, c = (right - left) / drawnHeight;
      context.setTransform(0, b, c, 0, left - c * y, top - b * x);
    }
  }
  viewer.addHandler("tile-drawing", place);
  viewer.navigator.addHandler("tile-drawing", place);

  /** Screen pixels (of the device) that one pixel of the picture takes. */
  function pixelSize() {
    const item = viewer.world.getItemAt(0);
    const zoom = item ? item.viewportToImageZoom(viewport.getZoom(true)) : 0;
    return zoom * OpenSeadragon.pixelDensityRatio;
  }

  // ---- layout ------------------------------------------------------------------------------

  let home = true;  // whether the whole picture is shown and should stay so when the window changes

  /** The length in CSS pixels, no shorter than `length`, that is a whole number of screen pixels. */
  function whole(length) {
    const ratio = devicePixelRatio;
    for (let more = 0; more < 16; more++) {
      const onScreen = (length + more) * ratio;
      if (Math.abs(onScreen - Math.round(onScreen)) < 0.01) return length + more;
    }
    return length;
  }

  function layout() {
    // Else the browser would stretch the canvas by a part of a pixel, where its zoom is 150 %.
    $("view").style.width = whole(innerWidth) + "px";
    $("view").style.height = whole(innerHeight) + "px";

    const full = Boolean(document.fullscreenElement);
    const small = innerWidth <= 700 || innerHeight <= 480;
    // A mount around the whole picture; the same on opposite sides, as turning needs it.
    const mount = full ? 0 : innerHeight <= 480 ? 12 : small ? 64 : 72;
    const side = full ? 0 : small ? 8 : 24;
    viewport.setMargins({ left: side, right: side, top: mount, bottom: mount });
    if (home) viewport.goHome(true);

    // The navigator, where it can be so, is small enough to lie beside the whole picture.
    const fit = Math.min((innerWidth - 2 * side) / picture.width, (innerHeight - 2 * mount) / picture.height);
    const beside = (innerWidth - fit * picture.width) / 2 - 30;
    const box = small ? 96 : Math.max(104, Math.min(190, beside * Math.max(1, picture.height / picture.width)));
    const scale = box / Math.max(picture.width, picture.height);
    $("map").style.width = Math.max(28, Math.round(picture.width * scale)) + "px";
    $("map").style.height = Math.max(28, Math.round(picture.height * scale)) + "px";
    viewer.navigator.updateSize();
    viewer.navigator.update(viewport);
  }
  addEventListener("resize", layout);
  viewer.addHandler("resize", () => setTimeout(layout));

  function percent(size) {
    const value = 100 * size;
    if (value >= 10) return Math.round(value) + " %";
    return (value >= 1 ? value.toFixed(1) : value.toPrecision(2)) + " %";
  }
  function showScale() {
    const text = percent(pixelSize());
    $("scale").firstElementChild.textContent = text;
    $("scale").setAttribute("aria-label", "Actual pixels (now " + text + ")");
  }
  viewer.addHandler("zoom", showScale);
  viewer.addHandler("animation", showScale);
  viewer.addHandler("animation-finish", showScale);

  // ---- the view in the address: #zoom=…&x=…&y=… ----------------------------------------------
  // zoom is 1 where the whole picture just fits, x and y are the centre in parts of the picture's
  // width and height; then, where they are not plain, rotate (degrees clockwise) and flip.

  function isHome() {
    const now = viewport.getBounds(), whole = viewport.getHomeBounds();
    const near = (a, b) => Math.abs(a - b) < 1e-3 * Math.max(whole.width, whole.height);
    return near(now.x, whole.x) && near(now.y, whole.y)
      && near(now.width, whole.width) && near(now.height, whole.height);
  }
  function viewHash() {
    const centre = viewport.getCenter(), turn = OpenSeadragon.positiveModulo(viewport.getRotation(), 360);
    const parts = [];
    const short = (value) => String(Number(value.toPrecision(10)));
    if (!isHome()) {
      parts.push("zoom=" + short(viewport.getZoom() / viewport.getHomeZoom()));
      parts.push("x=" + short(centre.x));
      parts.push("y=" + short(centre.y * picture.width / picture.height));
    }
    if (turn) parts.push("rotate=" + short(turn));
    if (viewport.getFlip()) parts.push("flip=1");
    return parts.length ? "#" + parts.join("&") : "";
  }
  function saveHash() {
    const hash = viewHash();
    if (hash === location.hash) return;
    try {
      history.replaceState(null, "", hash || location.pathname + location.search);
    } catch { /* some browsers limit how often; the next rest saves it */ }
  }
  function readHash(immediately) {
    const query = new URLSearchParams(location.hash.slice(1));
    const number = (key) => query.has(key) ? Number(query.get(key) || NaN) : NaN;
    const zoom = number("zoom"), x = number("x"), y = number("y");
    const turn = Number.isFinite(number("rotate")) ? number("rotate") : 0;
    viewport.setRotation(turn, immediately);
    if (viewport.getFlip() !== (query.get("flip") === "1")) viewport.toggleFlip();
    home = !(zoom > 0 && Number.isFinite(zoom));
    if (home) {
      viewport.goHome(immediately);
      return;
    }
    viewport.zoomTo(zoom * viewport.getHomeZoom(), null, immediately);
    if (Number.isFinite(x) && Number.isFinite(y)) {
      viewport.panTo(new OpenSeadragon.Point(x, y * picture.height / picture.width), immediately);
    }
    viewport.applyConstraints(immediately);
  }

  let restTimer = 0;
  function rest() {
    clearTimeout(restTimer);
    restTimer = setTimeout(() => {
      home = isHome();
      saveHash();
    }, 300);
  }
  viewer.addHandler("open", () => {
    layout();
    readHash(true);
    showScale();
    showFlip();
    for (const event of ["zoom", "pan", "rotate", "flip", "animation-finish"]) {
      viewer.addHandler(event, rest);
    }
    addEventListener("hashchange", () => { if (location.hash !== viewHash()) readHash(false); });
    const canvas = viewer.canvas;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "The picture: arrow keys move, plus and minus zoom");
    canvas.focus({ preventScroll: true });
  });

  let missing = false;
  viewer.addHandler("tile-load-failed", () => {
    if (!missing) note("Some tiles of the picture are missing.", 6);
    missing = true;
  });

  // ---- a picture that is still being rendered ------------------------------------------------

  // Tiles are loaded anew behind the old ones, which go when the new ones are there.
  let fresh = null;
  function refresh(version) {
    fresh.wanted = version;
    if (fresh.loading || fresh.wanted === fresh.shown) return;
    fresh.loading = true;
    const asked = fresh.wanted, old = viewer.world.getItemAt(0);
    const done = () => { fresh.loading = false; fresh.shown = asked; };
    viewer.addTiledImage({
      tileSource: new OpenSeadragon.DziTileSource(
        { ...picture, queryParams: picture.queryParams + "&n=" + asked }),
      index: 0,
      preload: true,
      success: ({ item }) => {
        const end = performance.now() + 10000;
        const swap = setInterval(() => {
          const loaded = item.getFullyLoaded() && old.getFullyLoaded();
          if (!loaded && performance.now() < end) return;
          clearInterval(swap);
          viewer.world.removeItem(old);
          done();
        }, 100);
      },
      error: done,
    });
  }
  async function follow() {
    try {
      const status = await (await fetch(data.status, { cache: "no-store" })).json();
      const percent = Math.floor(100 * status.done / status.shards);
      // What is on the screen was loaded a moment ago.
      fresh = fresh || { shown: status.finished ? -1 : status.done, loading: false };
      refresh(status.done);
      const done = status.finished && fresh.shown === status.done;
      $("progress").hidden = done;
      $("progress").textContent = "Rendering: " + status.done.toLocaleString("en") + " of "
        + status.shards.toLocaleString("en") + " shards, " + percent + " %";
      if (done) return;
    } catch {
      $("progress").hidden = false;
      $("progress").textContent = "The server has ended.";
    }
    setTimeout(follow, 1500);
  }
  if (data.status) viewer.addOnceHandler("open", follow);

  // ---- the view as a scene -------------------------------------------------------------------

  /** The [view] that draws what is on the screen, in plane units (`tilecppn/scene/view.py`). */
  function viewToml() {
    const view = data.view, item = viewer.world.getItemAt(0);
    const centre = item.viewportToImageCoordinates(viewport.getCenter(true));
    const size = pixelSize() / OpenSeadragon.pixelDensityRatio;  // CSS pixels a picture pixel
    const sideways = Math.abs(Math.sin(viewport.getRotation(true) * Math.PI / 180)) > 0.7071;
    const window = [viewer.container.clientWidth / size, viewer.container.clientHeight / size];
    if (sideways) window.reverse();
    const width = Math.min(picture.width, window[0]), height = Math.min(picture.height, window[1]);
    // Of the scale, which both sides have with "stretch", and else the shorter one.
    const part = view.keep.aspect === "stretch"
      ? Math.min(width / picture.width, height / picture.height)
      : Math.min(width, height) / Math.min(picture.width, picture.height);
    const u = (centre.x - 0.5 - view.middle[0]) * view.step[0];
    const v = (centre.y - 0.5 - view.middle[1]) * view.step[1];
    const at = [u * view.cosine - v * view.sine, u * view.sine + v * view.cosine];
    if (view.swap) at.reverse();
    const number = (value) => Number.isInteger(value) ? value.toFixed(1) : String(value);
    const turn = view.rotation - viewport.getRotation(true);
    const lines = [
      "[view]",
      "center = [" + at.map((value, i) => number(value + view.center[i])).join(", ") + "]",
      "scale = " + number(view.scale * part),
      "rotation = " + number(OpenSeadragon.positiveModulo(turn + 180, 360) - 180),
      ...Object.entries(view.keep).map(([key, value]) => key + " = " + JSON.stringify(value)),
    ];
    return lines.join("\n") + "\n";
  }
  $("copy-view").hidden = !data.view;

  // ---- what buttons and keys do --------------------------------------------------------------

  function zoomBy(factor) {
    viewport.zoomBy(factor);
    viewport.applyConstraints();
  }
  function goHome() {
    home = true;
    viewport.goHome();
  }
  function actualPixels() {
    const zoom = viewer.world.getItemAt(0).imageToViewportZoom(1 / OpenSeadragon.pixelDensityRatio);
    viewport.zoomTo(zoom);
    viewport.applyConstraints();
  }
  function turn(quarters) {
    // Seen in a mirror, clockwise is the other way.
    viewport.setRotation(viewport.getRotation() + 90 * quarters * (viewport.getFlip() ? -1 : 1));
    if (home) viewport.goHome();
  }
  function showFlip() {
    $("flip").setAttribute("aria-pressed", viewport.getFlip());
  }
  function showPanel(open = $("panel").hidden) {
    $("panel").hidden = !open;
    $("info").setAttribute("aria-expanded", open);
  }
  function showKeys() {
    $("keys").open ? $("keys").close() : $("keys").showModal();
  }
  function fullScreen() {
    const done = document.fullscreenElement
      ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    done.catch(() => note("The browser does not allow full screen here."));
  }
  function copy(text, what) {
    const done = () => note(what + " copied");
    // Where the clipboard is not to be had, a selection still copies.
    const select = () => {
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      copied ? done() : note("The browser does not allow copying here.");
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, select);
    else select();
  }

  const actions = {
    in: () => zoomBy(2),
    out: () => zoomBy(1 / 2),
    scale: actualPixels,
    home: goHome,
    turn: () => turn(1),
    flip: () => viewport.toggleFlip(),
    help: showKeys,
    full: fullScreen,
    info: () => showPanel(),
    "copy-scene": () => copy(data.scene, "Scene"),
    "copy-view": () => copy(viewToml(), viewport.getFlip() ? "View (not mirrored)" : "View"),
    "copy-link": () => { saveHash(); copy(location.href, "Link"); },
  };
  for (const [id, action] of Object.entries(actions)) {
    $(id).addEventListener("click", (event) => {
      action();
      // After a pointer's click the arrow keys should move the picture again.
      if (event.detail && $("bar").contains(event.currentTarget) && id !== "help") viewer.canvas.focus();
    });
  }
  $("full").hidden = !document.fullscreenEnabled;
  viewer.addHandler("flip", showFlip);
  $("keys").addEventListener("close", () => viewer.canvas.focus());
  $("keys").addEventListener("click", (event) => {
    if (event.target === $("keys")) $("keys").close();
  });

  // OpenSeadragon has the arrows, WASD, plus and minus, where the picture has the focus; these
  // hold everywhere. F and R would be its own, with F for the mirror and R not keeping home.
  const keys = {
    0: goHome,
    home: goHome,
    1: actualPixels,
    r: (event) => turn(event.shiftKey ? -1 : 1),
    m: () => viewport.toggleFlip(),
    f: () => { if (document.fullscreenEnabled) fullScreen(); },
    i: () => showPanel(),
    "?": showKeys,
  };
  addEventListener("keydown", (event) => {
    wake();
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const dialog = $("keys").open;
    if (event.key === "Escape" && !dialog && !$("panel").hidden) {
      showPanel(false);
      viewer.canvas.focus();
      return;
    }
    // The letter on the key; where that is not a Latin one, the key's place.
    const latin = /^[ -~]+$/.test(event.key);
    const key = latin ? event.key : event.code.replace(/^Key|^Digit/, "");
    const action = keys[key.toLowerCase()];
    if (!action || (dialog && key !== "?")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) action(event);
  }, true);
  addEventListener("pointerup", () => {
    if (document.activeElement === document.body) viewer.canvas.focus();
  });

  // ---- full screen -------------------------------------------------------------------------

  let idleTimer = 0;
  function wake() {
    document.body.classList.remove("idle");
    clearTimeout(idleTimer);
    if (!document.fullscreenElement) return;
    idleTimer = setTimeout(() => {
      const busy = $("keys").open || !$("panel").hidden || document.querySelector("#bar :focus-visible");
      if (document.fullscreenElement && !busy) document.body.classList.add("idle");
    }, 2500);
  }
  for (const event of ["pointermove", "pointerdown", "wheel", "focusin"]) {
    addEventListener(event, wake, { passive: true });
  }
  document.addEventListener("fullscreenchange", () => {
    $("full").setAttribute("aria-pressed", Boolean(document.fullscreenElement));
    layout();
    wake();
  });
})();
