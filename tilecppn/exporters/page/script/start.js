// ---- the beginning ------------------------------------------------------------------------------

const { place: firstPlace } = readAddress();
if (data.views && firstPlace) setShown(pyramidAt(firstPlace));
viewer.open(new OpenSeadragon.DziTileSource(shown.source));
