// Opening, saving and dropping files.

import { post, get } from "./api.js";
import { $, element } from "./element.js";
import { coloured } from "./palette.js";
import { change, note, state, take } from "./state.js";

// ---- open ----------------------------------------------------------------------------------------

let files = [];

export async function open() {
  $("folder").textContent = `In ${state.folder}`;
  files = (await get("files.json")).files;
  $("search").value = "";
  list();
  $("opening").showModal();
  $("search").focus();
}

function list() {
  const words = $("search").value.toLowerCase().split(/\s+/);
  const found = files.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  const rows = found.slice(0, 200).map(({ name, time }) => {
    const cover = element("img", { src: `covers/96.png?name=${encodeURIComponent(name)}`, alt: "", loading: "lazy" });
    cover.addEventListener("error", () => cover.classList.add("none"));  // a timeline, or no scene
    const made = element("button", { type: "button" }, cover, element("span", { textContent: name }),
      element("small", { textContent: new Date(time * 1000).toLocaleDateString() }));
    made.addEventListener("click", () => openFile(name));
    return element("li", {}, made);
  });
  $("files").replaceChildren(...(rows.length ? rows : [element("li", { className: "empty", textContent: "Nothing here holds a scene." })]));
}

async function openFile(name) {
  try {
    const scene = await post("open", { name });
    $("opening").close();
    state.file = name.endsWith(".toml") ? name : "";
    await take(scene, `opened ${name}`, "file");
  } catch (error) {
    note(error.message, true);
    $("opening").close();
  }
}

$("search").addEventListener("input", list);
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") $("files").querySelector("button")?.click();
});
$("chosen").addEventListener("change", () => {
  if ($("chosen").files[0]) receive($("chosen").files[0]);
  $("chosen").value = "";
  $("opening").close();
});

/** Import a file: its scene, or else the colours of a picture. */
async function receive(file, palette = false) {
  try {
    const found = await post(`import?name=${encodeURIComponent(file.name)}`, file);
    if (found.colours || palette) {
      const colours = found.colours ?? found.palette;
      const changes = colours && coloured(colours);
      if (changes) await change(changes, true, "file");
      else if (!colours) note("this picture has no palette", true);
      return;
    }
    state.file = "";
    await take(found, `dropped ${file.name}`, "file");
  } catch (error) {
    note(error.message, true);
  }
}
document.addEventListener("palette-from", (/** @type {CustomEvent} */ event) => receive(event.detail, true));

// ---- drop ----------------------------------------------------------------------------------------

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
let inside = 0;
addEventListener("dragenter", (event) => holdsFiles(event) && (inside++, $("drop").hidden = false));
addEventListener("dragleave", (event) => holdsFiles(event) && --inside <= 0 && ($("drop").hidden = true));
addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  inside = 0;
  $("drop").hidden = true;
  if (!holdsFiles(event)) return;
  event.preventDefault();
  receive(event.dataTransfer.files[0]);
});

// ---- save ----------------------------------------------------------------------------------------

let overwrite = false;

export function save() {
  $("saving-folder").textContent = state.folder;
  $("save-name").value = state.file || suggestion();
  forget();
  $("saving").showModal();
  $("save-name").select();
}

/** A file name for the scene shown. */
export function suggestion() {
  const { preset, seed } = state.scene.values.cppn;
  return `${preset}-${seed}.toml`;
}

function forget() {
  overwrite = false;
  $("save-error").hidden = true;
  $("save-now").textContent = "Save";
}

$("save-name").addEventListener("input", forget);
$("saving").querySelector("form").addEventListener("submit", async (event) => {
  if (event.submitter?.value !== "save") return;
  event.preventDefault();
  try {
    const { name } = await post("save", { id: state.scene.id, name: $("save-name").value.trim(), overwrite });
    state.file = name;
    $("saving").close();
    state.dispatchEvent(new Event("scene"));
    note(`saved as ${name}`);
  } catch (error) {
    $("save-error").hidden = false;
    $("save-error").textContent = error.status === 409 ? `${error.message} is there already. Its comments would be lost.` : error.message;
    if (error.status === 409) {
      overwrite = true;
      $("save-now").textContent = "Replace it";
    }
  }
});
