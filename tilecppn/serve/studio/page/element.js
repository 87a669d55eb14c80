// Helpers for DOM elements. The notebook's widget includes this file, too.

/** The element of the page with an id, and of a kind.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id @param {new () => T} [kind] @returns {T} */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof (kind ?? HTMLElement))) throw new Error(`there is no such element: ${id}`);
  return /** @type {T} */ (found);
}

/** What draws on a canvas.
 *
 * @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser does not draw on a canvas");
  return context;
}

/** The first element with a tag within another.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {ParentNode} outer @param {K} tag */
export function inside(outer, tag) {
  const found = outer.querySelector(tag);
  if (!found) throw new Error(`there is no such element: ${tag}`);
  return found;
}

/** Focus the first element within another that a selector matches, if there is one.
 *
 * @param {ParentNode} outer @param {string} selector */
export function focusOn(outer, selector) {
  const found = outer.querySelector(selector);
  if (found instanceof HTMLElement) found.focus();
}

/** Create an element with properties and children or text.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Properties<HTMLElementTagNameMap[K]>} [properties] @param {(Node | string)[]} children */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "for") made.setAttribute(name, `${value}`);
    else Reflect.set(made, name, value);
  }
  made.append(...children);
  return made;
}

/** Create an SVG element with attributes and children.
 *
 * @param {string} tag @param {Record<string, string | number>} values @param {Node[]} children */
export function svg(tag, values, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, `${value}`);
  made.append(...children);
  return made;
}

/** A button; its accessible name is its title if its text is a symbol, or begins the title.
 *
 * @param {string} textContent @param {string} title @param {() => unknown} run */
export const button = (textContent, title, run, className = "mini") => {
  const named = /\p{L}/u.test(textContent) && !title.startsWith(textContent);
  const made = element("button", { type: "button", textContent, title, className, ...(named ? {} : { "aria-label": title }) });
  made.addEventListener("click", run);
  return made;
};

/** Where an arrow key leads: 1 to the right, -1 to the left, 0 for any other key.
 *
 * @param {KeyboardEvent} event */
export const wayOf = ({ key }) => Number(key === "ArrowRight") - Number(key === "ArrowLeft");

/** The tabs of a list.
 *
 * @param {HTMLElement} list */
export const tabsOf = (list) => [...list.querySelectorAll("button")];

/** Let the arrow keys move between the tabs of a list; `choose` is called with the selected one.
 *
 * @param {HTMLElement} list @param {(tab: HTMLButtonElement) => void} choose */
export function moveByArrows(list, choose) {
  list.addEventListener("keydown", (event) => {
    const way = wayOf(event);
    if (!way) return;
    const all = tabsOf(list).filter((tab) => tab.offsetParent);
    const next = all[(all.findIndex((tab) => tab === document.activeElement) + way + all.length) % all.length];
    choose(next);
    next.focus();
  });
}
