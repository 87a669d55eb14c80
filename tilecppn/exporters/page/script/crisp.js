// ---- crisp tiles -------------------------------------------------------------------------

// OpenSeadragon draws tiles without overlap one pixel too large so that no gaps show between them, which
// blurs them. Instead, every edge is placed on a whole screen pixel: neighbours share it, so there is
// neither gap nor overlap, and at 1:1 each pixel is the file's own.
/** @param {OpenSeadragon.Events["tile-drawing"]} event */
function place({ context, tile, tiledImage }) {
  const m = context.getTransform();
  const level = tile.level - tiledImage.source.maxLevel;
  // Draw large pixels as squares, unless finer ones will soon replace them.
  context.imageSmoothingEnabled = Boolean(data.views) || level < 0 || pixelSize() <= 1.0001;
  const upright = Math.abs(m.b) + Math.abs(m.c) < 1e-6;
  const sideways = Math.abs(m.a) + Math.abs(m.d) < 1e-6;
  if (!upright && !sideways) return;  // while it is turning

  const ratio = OpenSeadragon.pixelDensityRatio;
  const bleed = picture.tileOverlap ? 0 : 1;
  const x = tile.position.x * ratio, w = (tile.size.x - bleed) * ratio;
  const y = tile.position.y * ratio, h = (tile.size.y - bleed) * ratio;
  /** @param {number} px @param {number} py */
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

/** Device pixels per pixel of the picture. */
function pixelSize() {
  const item = shownItem();
  const zoom = item ? item.viewportToImageZoom(viewport.getZoom(true)) : 0;
  return zoom * OpenSeadragon.pixelDensityRatio;
}
