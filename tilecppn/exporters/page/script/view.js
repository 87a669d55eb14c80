// ---- the view as a scene -------------------------------------------------------------------

/** The [view] that draws what is on the screen, in plane units (`tilecppn/scene/view.py`). */
function viewToml() {
  const view = data.view, item = viewer.world.getItemAt(0);
  const centre = item.viewportToImageCoordinates(viewport.getCenter(true));
  const size = pixelSize() / OpenSeadragon.pixelDensityRatio;  // CSS pixels a picture pixel
  const sideways = Math.abs(Math.sin(viewport.getRotation(true) * Math.PI / 180)) > 0.7071;
  const window = [viewer.container.clientWidth / size, viewer.container.clientHeight / size];
  if (sideways) window.reverse();
  const width = Math.min(picture.width, window[0]), height = Math.min(picture.height, window[1]);
  // Of the scale, which both sides have with "stretch", and else the shorter one.
  const part = view.keep.aspect === "stretch"
    ? Math.min(width / picture.width, height / picture.height)
    : Math.min(width, height) / Math.min(picture.width, picture.height);
  const u = (centre.x - 0.5 - view.middle[0]) * view.step[0];
  const v = (centre.y - 0.5 - view.middle[1]) * view.step[1];
  const at = [u * view.cosine - v * view.sine, u * view.sine + v * view.cosine];
  if (view.swap) at.reverse();
  const number = (value) => Number.isInteger(value) ? value.toFixed(1) : String(value);
  const turn = view.rotation - viewport.getRotation(true);
  const lines = [
    "[view]",
    "center = [" + at.map((value, i) => number(value + view.center[i])).join(", ") + "]",
    "scale = " + number(view.scale * part),
    "rotation = " + number(OpenSeadragon.positiveModulo(turn + 180, 360) - 180),
    ...Object.entries(view.keep).map(([key, value]) => key + " = " + JSON.stringify(value)),
  ];
  return lines.join("\n") + "\n";
}
$("copy-view").hidden = !data.view;
