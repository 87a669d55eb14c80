// ---- the frames of a film -----------------------------------------------------------------------

const { count, fps } = data.frames;
let frame = 0;         // the one shown
let wantedFrame = 0;
let changing = false, playing = false;

/** @param {number} number */
function frameSource(number) {
  const tilesUrl = "frames/" + number + "/" + picture.tilesUrl;
  return new OpenSeadragon.DziTileSource({ ...picture, tilesUrl });
}
/** @param {number} number of a frame */
function seconds(number) {
  const time = number / fps;
  return Math.floor(time / 60) + ":" + (time % 60).toFixed(2).padStart(5, "0");
}
/** @param {number} number */
async function showFrame(number) {
  wantedFrame = Math.min(Math.max(0, number), count - 1);
  $("frame").value = String(wantedFrame);
  $("frame").setAttribute("aria-valuetext", "Frame " + wantedFrame + ", " + seconds(wantedFrame));
  $("time").textContent = seconds(wantedFrame) + " / " + seconds(count);
  if (changing) return;
  changing = true;
  while (frame !== wantedFrame) {  // frames requested meanwhile are skipped
    const next = wantedFrame;
    await swap(frameSource(next), { seconds: 3 });
    frame = next;
  }
  changing = false;
  rest();
}
function play(on = !playing) {
  playing = on;
  $("play").setAttribute("aria-pressed", String(on));
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  const begin = performance.now() - 1000 * (wantedFrame + 0.5) / fps;
  /** @param {number} now */
  const step = (now) => {
    if (!playing) return;
    const next = Math.floor((now - begin) / 1000 * fps) % count;
    if (next !== wantedFrame && next >= 0) showFrame(next);
    requestAnimationFrame(step);
  };
  if (on) requestAnimationFrame(step);
}
/** @param {number} by */
function stepFrame(by) {
  play(false);
  showFrame(wantedFrame + by);
}
$("frame").addEventListener("input", () => {
  play(false);
  showFrame(Number($("frame").value));
});
$("play").addEventListener("click", () => play());
Object.assign(keys, {
  " ": () => play(),
  ",": () => stepFrame(-1),
  ".": () => stepFrame(1),
});
$("keys").querySelector("table")?.insertAdjacentHTML("beforeend", `
  <tr><th scope="row"><kbd>Space</kbd></th><td>Play or pause</td></tr>
  <tr><th scope="row"><kbd>,</kbd> <kbd>.</kbd></th><td>Previous, next frame</td></tr>`);
showFrame(0);
