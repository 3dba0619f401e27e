// The list, or the grid, of what was found.

import { element, marked, nameOf } from "/static/texts.js";
import { t } from "/static/strings.js";
import { address } from "/static/state.js";

export function resultElement(hit, state) {
  const name = nameOf(hit.path);
  const link = element("a", { class: "hit", href: address({ ...state, doc: hit.document }) });
  link.dataset.document = hit.document;
  const text = element("span", { class: "text" }, element("span", { class: "name", dir: "auto" }, name), placeElement(hit));
  if (hit.kind === "image") {
    const image = element("img", { alt: t("picture", name), loading: "lazy", decoding: "async" });
    const frame = element("span", { class: "thumb" }, image);
    image.addEventListener("error", () => frame.classList.add("broken"));
    image.src = `/files/${hit.document}/picture?size=small`;
    link.append(frame);
    const said = saidOf(hit.metadata);
    if (said) text.append(element("span", { class: "snippet", dir: "auto" }, said));
  } else {
    const suffix = name.includes(".") ? name.split(".").pop().slice(0, 4) : "";
    link.append(element("span", { class: "thumb letters", "aria-hidden": "true" }, suffix));
    const passage = hit.passages[0];
    if (passage && passage.snippet) {
      text.append(element("span", { class: "snippet", dir: "auto" }, ...marked(passage.snippet, passage.marks)));
    }
  }
  link.append(text);
  return element("li", {}, link);
}

function placeElement(hit) {
  const parts = [folderOf(hit.path)];
  if (hit.page) parts.push(t("page", hit.page));
  else if (hit.start_line) parts.push(t("line", hit.start_line));
  if (hit.copies) parts.push(t("copies", hit.copies.length));
  if (hit.same_content) parts.push(t("sameContent"));
  const value = hit.score === null ? hit.similarity : hit.score;
  const place = element("span", { class: "place" }, element("span", { class: "path", dir: "auto" }, parts[0]));
  for (const part of parts.slice(1)) place.append(" · ", part);
  if (value !== null) place.append(element("span", { class: "score", title: t("score", value.toFixed(3)) }, ` · ${value.toFixed(2)}`));
  return place;
}

function folderOf(path) {
  const parts = path.split(/[\\/]/).slice(0, -1);
  return parts.slice(-2).join("/") || "/";
}

export function saidOf(metadata) {
  const parts = ["taken", "place", "title", "caption", "people", "keywords", "camera"].map((name) => {
    const value = metadata[`photo.${name}`];
    const text = Array.isArray(value) ? value.join(", ") : value;
    return typeof text === "string" ? (name === "taken" ? text.slice(0, 16).replace("T", " ") : text) : "";
  });
  return [...new Set(parts.filter(Boolean))].join(" · ");
}
