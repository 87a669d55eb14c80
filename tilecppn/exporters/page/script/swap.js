// ---- another pyramid in place of the one that is shown ------------------------------------------

/** Show `source` as soon as all of it that is in sight is loaded, or some seconds have passed. */
function swap(source, seconds = 10) {
  const old = viewer.world.getItemAt(viewer.world.getItemCount() - 1);
  return new Promise((resolve) => viewer.addTiledImage({
    tileSource: source,
    index: 0,  // behind the old one, until it is there
    preload: true,
    success: ({ item }) => {
      let timer = 0;
      const done = () => {
        clearTimeout(timer);
        item.removeHandler("fully-loaded-change", look);
        viewer.world.removeItem(old);
        resolve();
      };
      const look = () => { if (item.getFullyLoaded()) done(); };
      timer = setTimeout(done, 1000 * seconds);
      item.addHandler("fully-loaded-change", look);
      look();
    },
    error: resolve,
  }));
}
