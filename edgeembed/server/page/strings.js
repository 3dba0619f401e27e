// All words of the page. To translate it, add a table under the name of the language.

const en = {
  skip: "To the results",
  queryLabel: "What do you look for?",
  queryPlaceholder: "What do you look for?",
  viewLabel: "View",
  viewList: "As a list",
  viewGrid: "As a grid",
  filters: "Filters",
  filterKind: "Kind",
  kindAny: "Texts and pictures",
  kindText: "Texts",
  kindImage: "Pictures",
  filterFolder: "Folder",
  folderAny: "All folders",
  filterSince: "From",
  filterUntil: "To",
  filterSize: "Size",
  sizeAny: "Any size",
  sizeSmall: "Up to 100 kB",
  sizeMedium: "100 kB to 5 MB",
  sizeLarge: "Over 5 MB",
  clearFilters: "Clear filters",
  resultsLabel: "Results",
  indexingLabel: "Indexing",
  keys: "/ search · ↑ ↓ choose · Enter preview · ← → next file · O open · F show in folder · M more like this · L less like this · Esc back",
  close: "Close",
  open: "Open",
  show: "Show in folder",
  more: "More like this",
  less: "Less like this",
  previous: "Previous result",
  next: "Next result",
  previewLabel: "Preview",
  welcome: "Type words, a sentence or a question. Files are found by what they mean.",
  holds: (n) => (n === 1 ? "1 file can be searched." : `${number(n)} files can be searched.`),
  nothingIndexed: "There is nothing to search yet.",
  nothingIndexedHint: "Texts, documents and photos in this folder are found as soon as they are indexed.",
  count: (n) => (n === 1 ? "1 file" : `${number(n)} files`),
  countMore: (n) => `The best ${number(n)} files`,
  showMore: "Show more",
  noMatch: "Nothing here fits.",
  noMatchHint: "Other words may help. Quoted words must occur as they stand.",
  showNearest: "Show the nearest all the same",
  failed: "That did not work.",
  offline: "The server does not answer. It may have been ended; start it again with edgeembed serve.",
  locked: "This browser is not allowed any more. Open the page by a new link: edgeembed serve --open FOLDER",
  again: "Try again",
  indexing: "Indexing…",
  indexingFiles: (done, total) => `Indexing: ${number(done)} of ${number(total)} files`,
  trouble: (folder, reason) => `${folder} is not up to date: ${reason}`,
  rate: (bytes) => `${size(bytes)}/s`,
  left: (text) => `about ${text} left`,
  seconds: (n) => `${n} s`,
  minutes: (n) => `${n} min`,
  hours: (n) => `${n} h`,
  page: (n) => `page ${n}`,
  line: (n) => `line ${n}`,
  score: (value) => `score ${value}`,
  likeChip: (name) => `Like ${name}`,
  unlikeChip: (name) => `Less like ${name}`,
  remove: (what) => `Remove: ${what}`,
  copies: (n) => (n === 1 ? "and 1 copy" : `and ${number(n)} copies`),
  sameContent: "same content",
  picture: (name) => `Picture: ${name}`,
  noPicture: "This picture cannot be shown.",
  loading: "Loading…",
  noText: "This file is not indexed any more.",
  cut: "… the text goes on; open the file to read all of it.",
  searching: "Searching…",
};

const tables = { en };
const language = (navigator.languages || ["en"]).map((name) => name.slice(0, 2)).find((name) => name in tables) || "en";

export function number(value) {
  return value.toLocaleString(language);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) {
    bytes /= 1000;
    at += 1;
  }
  return `${bytes.toLocaleString(language, { maximumFractionDigits: bytes < 10 && at ? 1 : 0 })} ${units[at]}`;
}

export function day(text) {
  return new Date(text).toLocaleDateString(language, { year: "numeric", month: "short", day: "numeric" });
}

export function duration(seconds) {
  if (seconds < 60) return t("seconds", Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return t("minutes", Math.round(seconds / 60));
  return t("hours", Math.round(seconds / 3600));
}

export function t(name, ...values) {
  const entry = tables[language][name] ?? en[name];
  return typeof entry === "function" ? entry(...values) : entry;
}

export function translate(root) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    const label = t(element.dataset.tLabel);
    element.setAttribute("aria-label", label);
    if (element.tagName === "BUTTON") element.title = label;
  }
}
