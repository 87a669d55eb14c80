// ---- layout ------------------------------------------------------------------------------

let home = true;  // whether the whole picture is shown, and should remain so when the window is resized

/** The smallest length in CSS pixels, at least `length`, that is a whole number of device pixels.
 * @param {number} length */
function whole(length) {
  const ratio = devicePixelRatio;
  for (let more = 0; more < 16; more++) {
    const onScreen = (length + more) * ratio;
    if (Math.abs(onScreen - Math.round(onScreen)) < 0.01) return length + more;
  }
  return length;
}

function layout() {
  // Otherwise browsers stretch the canvas by a fraction of a pixel, for example at 150 % zoom.
  $("view").style.width = whole(innerWidth) + "px";
  $("view").style.height = whole(innerHeight) + "px";

  const full = Boolean(document.fullscreenElement);
  const small = innerWidth <= 700 || innerHeight <= 480;
  // Margins around the whole picture, equal on opposite sides, as rotation requires.
  const tiny = innerHeight <= 300 || (innerWidth <= 400 && innerHeight <= 400);
  const low = innerHeight <= 480, least = data.frames ? 12 : 52;  // a low film needs all of the height
  const mount = full ? 0 : tiny ? 36 : low ? least : small ? 64 : 72;
  const side = full ? 0 : small ? 8 : 24;
  // The film's controls lie above the others.
  const both = mount + (data.frames && !full ? (tiny ? 30 : 52) : 0);
  viewport.setMargins({ left: side, right: side, top: both, bottom: both });
  if (home) viewport.goHome(true);

  // The navigator is small enough to fit beside the whole picture, if possible.
  const fit = Math.min((innerWidth - 2 * side) / picture.width, (innerHeight - 2 * both) / picture.height);
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

/** @param {number} size */
function percent(size) {
  const value = 100 * size;
  if (value >= 1e6) return "× " + (value / 100).toPrecision(2).replace("e+", "e");
  if (value >= 10) return Math.round(value).toLocaleString("en") + " %";
  return (value >= 1 ? value.toFixed(1) : value.toPrecision(2)) + " %";
}
function showScale() {
  // In pixels of the picture itself, even after zooming beyond them.
  const text = percent(pixelSize() * (data.views ? canvasPyramid.grid.step[0] / shown.grid.step[0] : 1));
  $("scale").firstElementChild.textContent = text;
  $("scale").setAttribute("aria-label", "Actual pixels (now " + text + ")");
}
viewer.addHandler("zoom", showScale);
viewer.addHandler("animation", showScale);
viewer.addHandler("animation-finish", showScale);
