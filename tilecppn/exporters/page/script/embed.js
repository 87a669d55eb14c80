// ---- within another page ------------------------------------------------------------------------

// The wheel and swipes scroll the surrounding page until the picture is clicked or tapped.
const embedded = window.self !== window.top;
/** @param {boolean} on */
function engage(on) {
  document.body.classList.toggle("engaged", on);
  viewer.canvas.style.touchAction = on ? "none" : "pan-x pan-y";
}
if (embedded) {
  viewer.addHandler("canvas-scroll", (event) => {
    if (document.body.classList.contains("engaged")) return;
    event.preventDefault = false;
    event.preventDefaultAction = true;
    note("Click to zoom with the wheel", 1.5);
  });
  viewer.addHandler("canvas-click", () => engage(true));
  addEventListener("keydown", () => engage(true), true);
  addEventListener("blur", () => engage(false));
  viewer.addOnceHandler("open", () => engage(false));
}
