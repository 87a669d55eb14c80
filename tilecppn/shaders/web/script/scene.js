// The view on the screen as a scene, or null if no scene describes it: a part of a folded picture, or a
// rotated view with different scales along its axes.
/** @param {string} text @param {Picture} picture */
function viewScene(text, { config, view, z }) {
  if (config.fold || (config.stretch && view.turn)) return null;
  const { x, y } = folded(config, view.u, view.v), degrees = (view.turn * 180) / Math.PI;
  const values = {
    center: `[${real(x)}, ${real(y)}]`,
    scale: real(config.scale / view.zoom),
    rotation: real((((config.rotation + degrees) % 360) + 360) % 360),
  };
  const latent = z.length ? `[latent]\nz = [${z.map(real).join(", ")}]\n` : "$&";
  let scene = text.replace(/^\[latent\]\n[^]*?\n(?=\n\[)/m, latent);
  for (const [key, value] of Object.entries(values))
    scene = scene.replace(new RegExp(`^${key} = (\\[[^\\]]*\\]|.*)`, "m"), `${key} = ${value}`);
  return scene;
}

/** @param {Picture} picture */
async function copyScene(picture) {
  const scene = viewScene($("scene").textContent, picture);
  if (!scene) return notice("This view is no scene: the picture is folded around its centre");
  try {
    await navigator.clipboard.writeText(scene);
    notice("Copied: a scene that tilecppn draws at any size");
  } catch {
    $("scene").textContent = scene;
    $("scene").closest("details").open = true;
    getSelection()?.selectAllChildren($("scene"));
    notice("Copying is not allowed here: the scene is selected");
  }
}
