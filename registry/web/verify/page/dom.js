// Elements made of names and texts. A text is always a text node: what a record says is never read as HTML.

/** An element; `children` are elements, texts, or null for none. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const key in attributes) if (attributes[key] !== null) made.setAttribute(key, attributes[key]);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null));
}

/** A long name shortened in the middle, whole in its title and where it is copied. */
export function shortened(name) {
  const text = name.length > 26 ? `${name.slice(0, 12)}…${name.slice(-10)}` : name;
  return element("code", { title: name }, text);
}
