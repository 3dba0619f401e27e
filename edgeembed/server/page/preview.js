// One file, large: a passage in its context, a picture, or a PDF at its page.

import { ask } from "/static/api.js";
import { element, markedWords, nameOf, units } from "/static/texts.js";
import { day, size, t } from "/static/strings.js";
import { saidOf } from "/static/results.js";

const AROUND = 6000; // characters of a text on either side of the passage

export async function fill(parts, id, hit, signal) {
  parts.name.textContent = hit ? nameOf(hit.path) : "";
  parts.facts.replaceChildren();
  parts.error.hidden = true;
  parts.body.replaceChildren(element("p", { class: "quiet" }, t("loading")));
  const document_ = await ask("GET", `/api/documents/${id}`, undefined, signal);
  parts.name.textContent = nameOf(document_.path);
  parts.facts.append(...factElements(document_));
  parts.body.replaceChildren(...bodyElements(document_, hit, id));
  const passage = parts.body.querySelector(".passage");
  parts.body.scrollTop = 0;
  if (passage) parts.body.scrollTop = passage.offsetTop - parts.body.offsetTop - parts.body.clientHeight / 4;
  return document_;
}

function factElements(document_) {
  const parts = [element("span", { dir: "auto", class: "path" }, document_.path)];
  if (document_.size_bytes !== null) parts.push(` · ${size(document_.size_bytes)}`);
  if (document_.modified) parts.push(` · ${day(document_.modified)}`);
  const said = saidOf(document_.metadata);
  if (said) parts.push(element("span", { class: "said", dir: "auto" }, said));
  return parts;
}

function bodyElements(document_, hit, id) {
  if (document_.kind === "image") {
    const image = element("img", { alt: t("picture", nameOf(document_.path)), class: "large" });
    image.addEventListener("error", () => image.replaceWith(element("p", { class: "quiet" }, t("noPicture"))));
    image.src = `/files/${id}/picture?size=large`;
    return [image];
  }
  const text = textElement(document_.text || "", hit);
  if (!/\.pdf$/i.test(document_.path)) return [text];
  const page = hit && hit.page ? `#page=${hit.page}` : "";
  return [element("iframe", { src: `/files/${id}/pdf${page}`, title: nameOf(document_.path), class: "pdf" }), text];
}

function textElement(text, hit) {
  const start = hit && hit.start !== null ? units(text, hit.start) : 0;
  const end = hit && hit.end !== null ? units(text, hit.end) : 0;
  const from = start > AROUND ? Math.max(0, text.lastIndexOf("\n", start - AROUND) + 1) : 0;
  const to = Math.min(text.length, end + 2 * AROUND);
  const words = hit && hit.passages.length ? wordsOf(hit.passages[0]) : [];
  const body = element("div", { class: "whole", dir: "auto" });
  if (from > 0) body.append("…\n");
  body.append(text.slice(from, start));
  const kind = start === 0 && end >= text.trimEnd().length ? "passage all" : "passage"; // all marked is nothing marked
  if (end > start) body.append(element("span", { class: kind }, ...markedWords(text.slice(start, end), words)));
  body.append(text.slice(Math.max(start, end), to));
  if (to < text.length) body.append(element("span", { class: "quiet" }, `\n${t("cut")}`));
  return body;
}

function wordsOf(passage) {
  if (!passage.snippet) return [];
  const characters = Array.from(passage.snippet);
  return [...new Set(passage.marks.map(([a, b]) => characters.slice(a, b).join("").toLowerCase()))];
}
