// ---- the beginning ------------------------------------------------------------------------------

const { place: firstPlace } = readAddress();
if (data.views && firstPlace) setShown(pyramidAt(firstPlace));
viewer.open(data.store ? storeSource() : new OpenSeadragon.DziTileSource(shown.source));
