// ---- start -------------------------------------------------------------------------------------

/** The tiles around this page, in a layout other than Deep Zoom.
 * @param {FolderSource} source */
function folderSource({ template, ...source }) {
  if (template) {
    source.getTileUrl = (/** @type {number[]} */ ...at) =>
      template.replace(/{([zxy])}/g, (_, key) => String(at["zxy".indexOf(key)]));
  }
  if (source.id) source.id = new URL(source.id, location.href).href.replace(/\/$/, "");
  return source;
}

OpenSeadragon.setImageFormatsSupported({ jxl: true });  // which IIIF's source checks
const { place: firstPlace } = readAddress();
if (data.views && firstPlace) setShown(pyramidAt(firstPlace));
if (data.store) viewer.open(storeSource());
else if (data.viewer) viewer.open(folderSource(data.viewer));
else viewer.open(new OpenSeadragon.DziTileSource(shown.source));
