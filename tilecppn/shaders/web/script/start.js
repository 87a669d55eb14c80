// Starts the page: the still remains until the first picture is drawn, or for good.

/** @type {Picture} */
let picture;
const started = (async () => {
  const config = JSON.parse($("config").textContent), parameters = floatsOf(await inflated(packed.parameters));
  const wanted = new URLSearchParams(location.hash.slice(1)).get("gpu");
  const made = await pictureOf({ config, parameters, ...sources }, $("view"), wanted);
  if (!made) {
    notice("Neither WebGPU nor WebGL2 works here: this is a still of the picture.", true);
    return null;
  }
  picture = made;
  $("bar").hidden = false;
  $("state").textContent = `Drawn here by ${picture.gpu.name}, from ${config.layers.length} layers of ${config.width} units.`;
  const walk = config.film
    ? new Film(picture, config.film, floatsOf(await inflated(packed.film)))
    : new Walk(picture);
  picture.onframe = () => picture.walking && walk.step();
  const { actions } = new Controls(picture, walk);
  if (config.film && !matchMedia("(prefers-reduced-motion: reduce)").matches) actions.walk();
  watch(wanted);
  return picture;
})();

// Requests a lost device (driver update, another tab's fault) once more.
/** @param {string?} wanted */
function watch(wanted) {
  picture.gpu.lost.then(async () => {
    picture.busy = true;
    const again = await drawer(picture.sources, picture.reference, wanted);
    if (!again) return notice("The graphics device was lost; reload the page to draw on.", true);
    picture.gpu = again;
    picture.busy = false;
    watch(wanted);
    picture.change();
  });
}
