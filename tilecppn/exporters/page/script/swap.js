// ---- replacing the pyramid shown by another one -------------------------------------------------

// Tiles of a removed pyramid may still arrive; they are ignored.
OpenSeadragon.console = {
  ...console,
  /** @param {unknown[]} said */
  warn: (...said) => { if (!String(said[0]).startsWith("Ignoring tile")) console.warn(...said); },
};

/**
 * Show `source` as soon as all of it that is in sight is loaded, or `seconds` have passed.
 * It lies at `x`, `y` and has `width` in the viewport; resolves to its item.
 * @param {OpenSeadragon.TileSource} source
 */
function swap(source, { seconds = 10, x = 0, y = 0, width = 1, fade = 0 } = {}) {
  const old = shownItem();
  return new Promise((resolve) => viewer.addTiledImage({
    tileSource: source,
    index: 0,  // behind the old one until it has loaded
    preload: true,
    x, y, width,
    success: ({ item }) => {
      let timer = 0;
      const done = async () => {
        clearTimeout(timer);
        item.removeHandler("fully-loaded-change", look);
        for (let step = 1; step <= 8 && fade && !calm; step++) {
          old.setOpacity(1 - step / 8);
          await new Promise((next) => setTimeout(next, 1000 * fade / 8));
        }
        viewer.world.removeItem(old);
        resolve(item);
      };
      const look = () => { if (item.getFullyLoaded()) done(); };
      timer = setTimeout(done, 1000 * seconds);
      item.addHandler("fully-loaded-change", look);
      look();
    },
    error: resolve,
  }));
}
