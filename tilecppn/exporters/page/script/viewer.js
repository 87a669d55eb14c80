/** @type {<K extends string>(id: K) => K extends keyof Elements ? Elements[K] : HTMLElement} */
const $ = (id) => /** @type {any} */ (document.getElementById(id));
/** @type {PageData} */
const data = JSON.parse($("data").textContent ?? "");
const picture = data.source;

let noteTimer = 0;
/** @param {string} text @param {number} [seconds] until it is hidden; 0 to keep it */
function note(text, seconds = 2.5) {
  $("note").textContent = text;
  $("note").hidden = false;
  clearTimeout(noteTimer);
  if (seconds) noteTimer = setTimeout(() => { $("note").hidden = true; }, 1000 * seconds);
}

$("scene").textContent = data.scene;
$("source").hidden = $("copy-scene").hidden = !data.scene;
if (typeof OpenSeadragon === "undefined") {
  note(data.viewer
    ? "The viewer is missing: keep this page in its folder, with openseadragon.min.js."
    : "The picture's folder is missing: keep “" + data.files + "” beside this page.", 0);
  // @ts-ignore: all scripts share a function.
  return;
}

// ---- the viewer --------------------------------------------------------------------------

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const gestures = { clickToZoom: false, dblClickToZoom: true, flickEnabled: true };
const viewer = window.viewer = OpenSeadragon({
  element: $("view"),
  drawer: "canvas",                    // WebGL cannot use tiles that come from file://
  smoothTileEdgesMinZoom: Infinity,    // `place` below leaves no edges to smooth
  showNavigationControl: false,
  showNavigator: true,
  navigatorElement: $("map"),
  navigatorRotate: false,
  navigatorOpacity: 1,
  navigatorDisplayRegionColor: "rgba(255, 255, 255, 0.85)",
  animationTime: calm ? 0.01 : 0.8,
  springStiffness: 8,
  zoomPerScroll: 1.25,
  visibilityRatio: 0.4,
  minZoomImageRatio: 0.8,
  maxZoomPixelRatio: Math.max(8, innerWidth / picture.width, innerHeight / picture.height),
  gestureSettingsMouse: gestures,
  gestureSettingsPen: gestures,
  tileRetryMax: picture.queryParams ? 3 : 0,  // a server may be busy for a moment
  tileRetryDelay: 1500,
  timeout: 120000,  // a busy server ends a tile that takes longer, and says so
  maxTilesPerFrame: 8,
  imageLoaderLimit: 8,
  // About half a gigabyte of decoded tiles.
  maxImageCacheCount: Math.min(400, Math.max(12, Math.floor(2 ** 27 / picture.tileSize ** 2))),
});
const viewport = viewer.viewport;

// Moves glide on, but a zoom is over soon: until then the picture is not whole.
viewport.zoomSpring.animationTime = calm ? 0.01 : 0.3;
viewport.zoomSpring.springStiffness = 5;

viewer.world.addHandler("add-item", ({ item }) => {
  // Before a tile that may be transparent OpenSeadragon clears its place, and the edges of its neighbours
  // with it: on a GPU as a hairline.
  item.source.hasTransparency = () => false;

  // The level that a zoom leads to is loaded from its first moment, not when the zoom has come to it.
  const { minPixelRatio } = item;
  Object.defineProperty(item, "minPixelRatio", { get: () => {
    const part = item.alwaysBlend ? 1 : viewport.getZoom(true) / viewport.getZoom();
    return minPixelRatio * Math.min(1, Math.max(0.5, part));
  } });
});

/** The top pyramid; while another replaces it, the old one. */
function shownItem() {
  return viewer.world.getItemAt(viewer.world.getItemCount() - 1);
}
