// ---- start -------------------------------------------------------------------------------------

/** The tiles around this page, in a layout other than Deep Zoom. */
function folderSource({ template, ...source }) {
  if (template) source.getTileUrl = (z, x, y) => template.replace(/{(\w)}/g, (_, key) => ({ z, x, y })[key]);
  if (source.id) source.id = new URL(source.id, location.href).href.replace(/\/$/, "");
  return source;
}

OpenSeadragon.setImageFormatsSupported({ jxl: true });  // which IIIF's source checks
const { place: firstPlace } = readAddress();
if (data.views && firstPlace) setShown(pyramidAt(firstPlace));
if (data.store) viewer.open(storeSource());
else if (data.viewer) viewer.open(folderSource(data.viewer));
else viewer.open(new OpenSeadragon.DziTileSource(shown.source));
