// ---- a picture that is still being rendered -----------------------------------------------------

let shownShards = -1, refreshing = false;  // number of shards when the picture was last loaded
/** @param {number} shards that are drawn */
async function refresh(shards) {
  if (refreshing || shards === shownShards) return;
  refreshing = true;
  const query = picture.queryParams + "&n=" + shards;
  await swap(new OpenSeadragon.DziTileSource({ ...picture, queryParams: query }));
  shownShards = shards;
  refreshing = false;
}
async function follow() {
  try {
    const status = await (await fetch(data.status, { cache: "no-store" })).json();
    const percent = Math.floor(100 * status.done / status.shards);
    // The tiles on the screen were loaded a moment ago.
    if (shownShards < 0 && !status.finished) shownShards = status.done;
    refresh(status.done);
    const done = status.finished && shownShards === status.done;
    $("progress").hidden = done;
    $("progress").textContent = status.done.toLocaleString("en") + " of "
      + status.shards.toLocaleString("en") + " shards are drawn, " + percent + " %";
    if (done) return;
  } catch {
    $("progress").hidden = false;
    $("progress").textContent = "The server has ended.";
  }
  setTimeout(follow, 1500);
}
viewer.addOnceHandler("open", follow);
