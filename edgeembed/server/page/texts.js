// Texts as elements. Nothing of a file is ever taken for HTML.

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// The server counts characters; strings of JavaScript count halves of some.
export function units(text, characters) {
  if (!/[\ud800-\udbff]/.test(text)) return characters;
  let at = 0;
  for (let n = 0; n < characters && at < text.length; n += 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

export function marked(text, marks) {
  const parts = [];
  let at = 0;
  for (const [start, end] of marks) {
    const [from, to] = [units(text, start), units(text, end)];
    parts.push(text.slice(at, from), element("mark", {}, text.slice(from, to)));
    at = to;
  }
  parts.push(text.slice(at));
  return parts;
}

export function markedWords(text, words) {
  if (!words.length) return [text];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return text.split(pattern).map((part, i) => (i % 2 ? element("mark", {}, part) : part));
}

export function nameOf(path) {
  return path.split(/[\\/]/).pop();
}
