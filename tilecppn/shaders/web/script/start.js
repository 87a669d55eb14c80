// Starts the page: the still stays until the first picture is drawn, or for good.

let picture = null;
const started = (async () => {
  const facts = JSON.parse($("facts").textContent);
  const reference = new Reference(facts, floatsOf(await inflated(packed.numbers)));
  reference.fill({ u: 0, v: 0, step: 1, scale: 1, z: facts.z });
  sources.wgsl = written(sources.wgsl, "vec4f", reference.rows, facts.rows.constant);
  sources.glsl = written(sources.glsl, "vec4", reference.rows, facts.rows.constant);
  const wanted = new URLSearchParams(location.hash.slice(1)).get("gpu");
  const gpu = await drawer(sources, reference.rows, wanted);
  if (!gpu) {
    notice("Neither WebGPU nor WebGL2 works here: this is a still of the picture.", true);
    return null;
  }
  $("bar").hidden = false;
  $("state").textContent = `Drawn here by ${gpu.name}, from ${reference.network.layers.length} layers of ${facts.width} units.`;
  picture = new Picture(facts, reference, gpu, $("view"));
  const walk = facts.film
    ? new Film(picture, facts.film, floatsOf(await inflated(packed.film)))
    : new Walk(picture);
  picture.onframe = () => picture.walking && walk.step();
  const { actions } = new Controls(picture, walk);
  if (facts.film && !matchMedia("(prefers-reduced-motion: reduce)").matches) actions.walk();
  watch(gpu, wanted);
  return picture;
})();

// A device that is lost (a driver's update, another tab's fault) is asked for once more.
function watch(gpu, wanted) {
  gpu.lost.then(async () => {
    picture.busy = true;
    const again = await drawer(sources, picture.reference.rows, wanted);
    if (!again) return notice("The graphics device was lost; reload the page to draw on.", true);
    picture.gpu = again;
    picture.busy = false;
    watch(again, wanted);
    picture.change();
  });
}
