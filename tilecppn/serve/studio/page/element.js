// Helpers for DOM elements. The notebook's widget includes this file, too.

/** The element of the page with an id.
 *
 * @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** Create an element with properties and children or text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Create an SVG element with attributes and children. */
export function svg(tag, values, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button; its accessible name is its title if its text is a symbol, or begins the title. */
export const button = (textContent, title, run, className = "mini") => {
  const named = /\p{L}/u.test(textContent) && !title.startsWith(textContent);
  const made = element("button", { type: "button", textContent, title, className, ...(named ? {} : { "aria-label": title }) });
  made.addEventListener("click", run);
  return made;
};

/** Let the arrow keys move between the tabs of a list; `choose` is called with the selected one. */
export function moveByArrows(list, choose) {
  list.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const all = [...list.children].filter((tab) => tab.offsetParent);
    const next = all[(all.indexOf(document.activeElement) + way + all.length) % all.length];
    choose(next);
    next.focus();
  });
}
