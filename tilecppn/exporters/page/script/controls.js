// ---- buttons and keys ---------------------------------------------------------------------

/** @param {number} factor */
function zoomBy(factor) {
  viewport.zoomBy(factor);
  viewport.applyConstraints();
}
function goHome(immediately = false) {
  home = true;
  if (data.views && shown !== canvasPyramid) showAlone(canvasPyramid, () => viewport.goHome(true));
  else viewport.goHome(immediately);
}
function actualPixels() {
  const ratio = data.views ? shown.grid.step[0] / canvasPyramid.grid.step[0] : 1;
  viewport.zoomTo(shownItem().imageToViewportZoom(ratio / OpenSeadragon.pixelDensityRatio));
  viewport.applyConstraints();
}
/** @param {number} quarters clockwise */
function turn(quarters) {
  // A mirrored picture turns the other way.
  viewport.setRotation(viewport.getRotation() + 90 * quarters * (viewport.getFlip() ? -1 : 1));
  if (home) viewport.goHome();
}
function showFlip() {
  $("flip").setAttribute("aria-pressed", String(viewport.getFlip()));
}
function showPanel(open = $("panel").hidden) {
  $("panel").hidden = !open;
  $("info").setAttribute("aria-expanded", String(open));
}
function showKeys() {
  $("keys").open ? $("keys").close() : $("keys").showModal();
}
function fullScreen() {
  const done = document.fullscreenElement
    ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  done.catch(() => note("The browser does not allow full screen here."));
}
/** @param {string} text @param {string} what */
function copy(text, what) {
  const done = () => note(what + " copied");
  // Without access to the clipboard, a selection can still be copied.
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

function saveImage() {
  try {
    viewer.drawer.canvas.toBlob((blob) => {
      if (!blob) return note("The browser could not save the image.");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = document.title.replace(/[^\p{L}\p{N} ._-]/gu, "_") + ".png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
  } catch {  // browsers do not let pages opened from disk read files
    note("The browser saves images only from a page on a server: tilecppn view NAME.dzi", 6);
  }
}
function embedCode() {
  /** @param {string} text */
  const quoted = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;");
  return `<iframe src="${quoted(location.href)}" title="${quoted(document.title)}" width="640" `
    + `height="480" style="border: 0" loading="lazy" allow="fullscreen"></iframe>`;
}
// A page opened from a disk has no address for others, and the server of `view` forbids frames.
$("copy-embed").hidden = Boolean(data.served) || !location.protocol.startsWith("http");

/** @type {Record<string, () => void>} */
const actions = {
  in: () => zoomBy(2),
  out: () => zoomBy(1 / 2),
  scale: actualPixels,
  home: () => goHome(),
  turn: () => turn(1),
  flip: () => viewport.toggleFlip(),
  help: showKeys,
  full: fullScreen,
  info: () => showPanel(),
  "copy-scene": () => copy(data.scene, "Scene"),
  "copy-view": () => copy(viewedScene(), viewport.getFlip() ? "View (not mirrored)" : "View"),
  save: saveImage,
  "copy-embed": () => { saveHash(); copy(embedCode(), "Embed code"); },
  "copy-link": () => { saveHash(); copy(location.href, "Link"); },
};
for (const [id, action] of Object.entries(actions)) {
  $(id).addEventListener("click", (event) => {
    action();
    // After a click the arrow keys should move the picture again.
    if (event.detail && $("bar").contains($(id)) && id !== "help") viewer.canvas.focus();
  });
}
$("full").hidden = !document.fullscreenEnabled;
viewer.addHandler("flip", showFlip);
$("keys").addEventListener("close", () => viewer.canvas.focus());
$("keys").addEventListener("click", (event) => {
  if (event.target === $("keys")) $("keys").close();
});

// OpenSeadragon handles the arrows, WASD, plus and minus while the picture has the focus; these keys always
// work. It would also use F for mirroring, and R without keeping the home view.
/** @type {Record<string, (event: KeyboardEvent) => void>} */
const keys = {
  0: () => goHome(),
  home: () => goHome(),
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
  // The letter on the key; for non-Latin keyboards, the key's position.
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
  $("full").setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
  layout();
  wake();
});
