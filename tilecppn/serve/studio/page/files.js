// Opening, saving and dropping files.

import { AnswerError, get, post } from "./api.js";
import { byId, element, inside } from "./element.js";
import { attempt, note, said } from "./note.js";
import { coloured } from "./palette.js";
import { change, current, state, take } from "./state.js";

// ---- open ----------------------------------------------------------------------------------------

const opening = byId("opening", HTMLDialogElement), search = byId("search", HTMLInputElement);
const chosen = byId("chosen", HTMLInputElement), rows = byId("files");
/** @type {Openable[]} */
let files = [];

export async function open() {
  byId("folder").textContent = `In ${state.folder}`;
  files = (await get("files.json")).files;
  search.value = "";
  list();
  opening.showModal();
  search.focus();
}

function list() {
  const words = search.value.toLowerCase().split(/\s+/);
  const found = files.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  const shown = found.slice(0, 200).map(({ name, time }) => {
    const cover = element("img", { src: `covers/96.png?name=${encodeURIComponent(name)}`, alt: "", loading: "lazy" });
    cover.addEventListener("error", () => cover.classList.add("none"));  // a timeline, or no scene
    const made = element("button", { type: "button" }, cover, element("span", { textContent: name }),
      element("small", { textContent: new Date(time * 1000).toLocaleDateString() }));
    made.addEventListener("click", () => attempt(() => openFile(name)));
    return element("li", {}, made);
  });
  rows.replaceChildren(...(shown.length ? shown : [element("li", { className: "empty", textContent: "Nothing here holds a scene." })]));
}

/** @param {string} name */
async function openFile(name) {
  try {
    const scene = await post("open", { name });
    state.file = name.endsWith(".toml") ? name : "";
    await take(scene, `opened ${name}`, "file");
  } finally {
    opening.close();
  }
}

search.addEventListener("input", list);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") rows.querySelector("button")?.click();
});
chosen.addEventListener("change", () => {
  receive(chosen.files?.[0]);
  chosen.value = "";
  opening.close();
});

/** Import a file: its scene, or else, or with `palette`, the colours of a picture.
 *
 * @param {File | undefined} file */
const receive = (file, palette = false) => attempt(async () => {
  if (!file) return;
  const found = await post(`import?name=${encodeURIComponent(file.name)}`, file);
  if ("colours" in found || palette) {
    const colours = "colours" in found ? found.colours : found.palette;
    const changes = colours && coloured(colours);
    if (changes) await change(changes, true, "file");
    else if (!colours) note("this picture has no palette", true);
    return;
  }
  state.file = "";
  await take(found, `dropped ${file.name}`, "file");
});
document.addEventListener("palette-from", ({ detail }) => receive(detail, true));

// ---- drop ----------------------------------------------------------------------------------------

const drop = byId("drop");
/** @param {DragEvent} event */
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
let entered = 0;  // elements that the pointer is in
addEventListener("dragenter", (event) => holdsFiles(event) && (entered++, drop.hidden = false));
addEventListener("dragleave", (event) => holdsFiles(event) && --entered <= 0 && (drop.hidden = true));
addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  entered = 0;
  drop.hidden = true;
  if (!holdsFiles(event)) return;
  event.preventDefault();
  receive(event.dataTransfer?.files[0]);
});

// ---- save ----------------------------------------------------------------------------------------

const saving = byId("saving", HTMLDialogElement), name = byId("save-name", HTMLInputElement);
const fault = byId("save-error"), now = byId("save-now");
let overwrite = false;

export function save() {
  byId("saving-folder").textContent = state.folder;
  name.value = state.file || suggestion();
  forget();
  saving.showModal();
  name.select();
}

/** A file name for the scene shown. */
export function suggestion() {
  const { preset, seed } = current().values.cppn;
  return `${preset}-${seed}.toml`;
}

function forget() {
  overwrite = false;
  fault.hidden = true;
  now.textContent = "Save";
}

name.addEventListener("input", forget);
byId("save-cancel").addEventListener("click", () => saving.close());
inside(saving, "form").addEventListener("submit", async (event) => {
  if (event.submitter !== now) return;
  event.preventDefault();
  try {
    const saved = await post("save", { id: current().id, name: name.value.trim(), overwrite });
    state.file = saved.name;
    saving.close();
    state.tell("scene");
    note(`saved as ${saved.name}`);
  } catch (error) {
    overwrite = error instanceof AnswerError && error.status === 409;
    fault.hidden = false;
    fault.textContent = overwrite ? `${said(error)} is there already. What it holds would be lost, its comments, too.` : said(error);
    now.textContent = overwrite ? "Replace it" : "Save";
  }
});
