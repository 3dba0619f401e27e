// The page: what is typed becomes a state, the state an address and a question, the answer a list.

import { ask } from "/static/api.js";
import { element, nameOf } from "/static/texts.js";
import { address, canShowMore, FILTERS, most, question, read, twice } from "/static/state.js";
import { duration, t, translate } from "/static/strings.js";
import { resultElement } from "/static/results.js";
import { fill } from "/static/preview.js";

const TYPING_MS = 120;
const POLL_MS = 1500;
const at = (id) => document.getElementById(id);
const [form, query, results, summary, message, dialog] = ["form", "query", "results", "summary", "message", "preview"].map(at);
const parts = { name: at("preview-name"), facts: at("preview-facts"), error: at("preview-error"), body: at("preview-body") };
const names = new Map(); // of documents, for the chips

let state = read();
let hits = [];
let asked = "";
let running = null;
let previewing = null;
let status = null;
let typing = 0;
let polling = 0;

function go(changes, { replace = false } = {}) {
  state = { ...state, ...changes };
  history[replace ? "replaceState" : "pushState"](null, "", address(state));
  show();
}

function show() {
  if (query.value !== state.q) query.value = state.q;
  for (const name of FILTERS) form.elements[name].value = state[name];
  const count = FILTERS.filter((name) => state[name]).length;
  at("filter-count").textContent = count;
  at("filter-count").hidden = at("clear").hidden = !count;
  document.body.classList.toggle("grid", state.view === "grid");
  at("view-list").setAttribute("aria-pressed", String(state.view !== "grid"));
  at("view-grid").setAttribute("aria-pressed", String(state.view === "grid"));
  document.title = state.q ? `${state.q} – edgeembed` : "edgeembed";
  showChips();
  search();
  showPreview();
}

async function search(again = false) {
  const wanted = question(state);
  const key = JSON.stringify(wanted);
  if (key === asked && !again) return;
  asked = key;
  if (running) running.abort();
  if (wanted === null) {
    showHits([]);
    return;
  }
  const own = (running = new AbortController());
  results.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => (summary.textContent = t("searching")), 400);
  try {
    const answer = await ask("POST", wanted.path, wanted.body, own.signal);
    if (own === running) showHits(answer.hits);
    if (answer.indexing) poll();
  } catch (error) {
    if (error.name !== "AbortError" && own === running) showError(error);
  } finally {
    clearTimeout(slow);
  }
}

function showHits(found) {
  hits = found;
  results.setAttribute("aria-busy", "false");
  for (const hit of hits) names.set(hit.document, nameOf(hit.path));
  results.replaceChildren(...hits.map((hit) => resultElement(hit, state)));
  message.hidden = true;
  summary.textContent = "";
  const isFull = hits.length >= most(state);
  at("show-more").hidden = !isFull || !canShowMore(state);
  if (hits.length) summary.textContent = isFull ? t("countMore", hits.length) : t("count", hits.length);
  else if (asked !== "null") showNoMatch();
  else showWelcome();
  showPreview();
}

function say(title, hint, ...buttons) {
  message.className = "";
  message.replaceChildren(element("h2", {}, title), ...(hint ? [element("p", {}, hint)] : []), ...buttons);
  message.hidden = false;
}

function showWelcome() {
  const documents = status ? status.folders.reduce((sum, folder) => sum + folder.documents, 0) : null;
  if (documents === 0 && !status.indexing) say(t("nothingIndexed"), t("nothingIndexedHint"));
  else say(t("welcome"), documents ? t("holds", documents) : "");
}

function showNoMatch() {
  const buttons = [];
  if (!state.all && !state.like) {
    buttons.push(element("button", { type: "button", onclick: () => go({ all: "1" }, { replace: true }) }, t("showNearest")));
  }
  if (FILTERS.some((name) => state[name])) {
    buttons.push(element("button", { type: "button", onclick: clearFilters }, t("clearFilters")));
  }
  say(t("noMatch"), t("noMatchHint"), ...buttons);
}

function showError(error) {
  results.setAttribute("aria-busy", "false");
  results.replaceChildren();
  at("show-more").hidden = true;
  hits = [];
  summary.textContent = "";
  const reason = error.status === 0 ? t("offline") : error.status === 401 || error.status === 403 ? t("locked") : error.message;
  say(t("failed"), reason, element("button", { type: "button", onclick: () => search(true) }, t("again")));
  message.className = "error";
}

function showChips() {
  const chips = at("chips");
  const chip = (text, without) =>
    element("button", { type: "button", class: "chip", "aria-label": t("remove", text), onclick: () => go(without) },
      element("span", { dir: "auto" }, text), " ×");
  const list = state.like ? [chip(t("likeChip", names.get(state.like) || "…"), { like: "" })] : [];
  const unlike = state.like || !state.unlike ? [] : state.unlike.split(",");
  for (const id of unlike) {
    list.push(chip(t("unlikeChip", names.get(id) || "…"), { unlike: unlike.filter((other) => other !== id).join(",") }));
  }
  chips.replaceChildren(...list);
  chips.hidden = !list.length;
  for (const id of [state.like, ...unlike].filter((one) => one && !names.has(one))) {
    names.set(id, "…");
    ask("GET", `/api/documents/${id}`).then((found) => { names.set(id, nameOf(found.path)); showChips(); }, () => {});
  }
}

// Preview

async function showPreview() {
  const id = state.doc;
  if (!id) {
    if (dialog.open) dialog.close();
    if (previewing) {
      const link = results.querySelector(`[data-document="${CSS.escape(previewing)}"]`);
      previewing = null;
      if (link) link.focus();
    }
    return;
  }
  const index = hits.findIndex((hit) => hit.document === id);
  at("previous").disabled = index <= 0;
  at("next").disabled = index < 0 || index >= hits.length - 1;
  at("less").disabled = Boolean(state.like) || !state.q.trim();
  if (previewing === `${id}` && dialog.dataset.hit === String(index >= 0)) return;
  previewing = id;
  dialog.dataset.hit = String(index >= 0);
  if (!dialog.open) dialog.showModal();
  try {
    await fill(parts, id, hits[index]);
    parts.body.focus({ preventScroll: true });
  } catch (error) {
    if (previewing !== id) return;
    parts.body.replaceChildren(element("p", { class: "quiet" }, error.status === 404 ? t("noText") : error.message));
  }
}

function step(by) {
  const index = hits.findIndex((hit) => hit.document === state.doc) + by;
  if (state.doc && hits[index]) go({ doc: hits[index].document }, { replace: true });
}

async function desktop(action) {
  parts.error.hidden = true;
  try {
    await ask("POST", `/files/${state.doc}/${action}`, {});
  } catch (error) {
    parts.error.textContent = error.message;
    parts.error.hidden = false;
  }
}

const actions = {
  open: () => desktop("open"),
  show: () => desktop("show"),
  more: () => go({ like: state.doc, unlike: "", doc: "", q: "", all: "", n: "" }),
  less: () => at("less").disabled || go({ unlike: [...new Set([...state.unlike.split(","), state.doc])].filter(Boolean).join(","), doc: "" }),
  previous: () => step(-1),
  next: () => step(1),
  close: () => go({ doc: "" }),
};

// Indexing

async function poll() {
  clearTimeout(polling);
  try {
    status = await ask("GET", "/api/status");
  } catch {
    return;
  }
  showStatus();
  if (status.indexing) polling = setTimeout(poll, POLL_MS);
}

let generation = null;

function showStatus() {
  const bar = at("indexing");
  bar.hidden = !status.indexing;
  if (status.indexing) {
    const steps = status.folders.map((folder) => folder.progress).filter(Boolean);
    const sum = (name) => steps.reduce((total, one) => total + one[name], 0);
    const left = Math.max(0, ...steps.map((one) => one.seconds_left || 0));
    const words = steps.length ? [t("indexingFiles", sum("done_files"), sum("total_files"))] : [t("indexing")];
    if (sum("bytes_per_second") > 0) words.push(t("rate", sum("bytes_per_second")));
    if (left > 0) words.push(t("left", duration(left)));
    at("indexing-text").textContent = words.join(" · ");
    const progress = at("indexing-bar");
    if (sum("total_bytes") > 0) {
      progress.max = sum("total_bytes");
      progress.value = sum("done_bytes");
    } else progress.removeAttribute("value");
  }
  const troubles = status.folders.filter((folder) => folder.error).map((folder) => t("trouble", folder.folder, folder.error));
  at("trouble").textContent = troubles.join(" ");
  at("trouble").hidden = !troubles.length;
  fillFolders();
  const now = status.folders.map((folder) => folder.generation).join(",");
  if (generation !== null && now !== generation && !state.doc) search(true);
  generation = now;
  if (asked === "null") showWelcome();
}

function fillFolders() {
  const select = form.elements.folder;
  const options = [];
  for (const folder of status.folders) {
    const name = encodeURIComponent(folder.folder);
    if (status.folders.length > 1) options.push([name, folder.folder]);
    for (const inside of folder.subfolders) options.push([`${name}/${inside}`, status.folders.length > 1 ? `${folder.folder}/${inside}` : inside]);
  }
  const [any] = select.options;
  select.replaceChildren(any, ...options.map(([value, text]) => element("option", { value }, text)));
  select.value = state.folder;
}

function clearFilters() {
  go(Object.fromEntries(FILTERS.map((name) => [name, ""])));
}

// Keys

function moveFocus(key) {
  const links = [...results.querySelectorAll("a.hit")];
  const now = links.indexOf(document.activeElement);
  const columns = state.view === "grid" && links.length ? getComputedStyle(results).gridTemplateColumns.split(" ").length : 1;
  const by = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 }[key];
  if (columns === 1 && Math.abs(by) === 1 && key !== "ArrowDown" && key !== "ArrowUp") return false;
  if (now < 0) {
    if (key !== "ArrowDown" || !links.length) return false;
    links[0].focus();
    return true;
  }
  if (now + by < 0) query.focus();
  else (links[now + by] || links[links.length - 1]).focus();
  return true;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (dialog.open) {
    const action = { o: "open", f: "show", m: "more", l: "less", ArrowLeft: "previous", ArrowRight: "next" }[event.key];
    if (action) {
      event.preventDefault();
      actions[action]();
    }
  } else if (event.key === "/" && !inField) {
    event.preventDefault();
    query.focus();
    query.select();
  } else if (event.key.startsWith("Arrow") && (!inField || (event.target === query && event.key === "ArrowDown"))) {
    if (moveFocus(event.key)) event.preventDefault();
  } else if (event.key === "Escape" && !inField && results.contains(document.activeElement)) query.focus();
}

function start() {
  translate(document);
  query.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => go({ q: query.value, like: "", all: "", n: "" }, { replace: true }), TYPING_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    if (query.value !== state.q) go({ q: query.value, like: "", all: "", n: "" }, { replace: true });
    const first = results.querySelector("a.hit");
    if (first) first.focus();
  });
  for (const name of FILTERS) form.elements[name].addEventListener("change", (event) => go({ [name]: event.target.value }));
  at("clear").addEventListener("click", clearFilters);
  at("show-more").addEventListener("click", () => go({ n: twice(state) }, { replace: true }));
  at("view-list").addEventListener("click", () => go({ view: "" }, { replace: true }));
  at("view-grid").addEventListener("click", () => go({ view: "grid" }, { replace: true }));
  results.addEventListener("click", (event) => {
    const link = event.target.closest("a.hit");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ doc: link.dataset.document });
  });
  for (const [name, action] of Object.entries(actions)) at(name).addEventListener("click", action);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); actions.close(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) actions.close(); });
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", () => { state = read(); show(); });
  at("filters").open = matchMedia("(min-width: 60rem)").matches || FILTERS.some((name) => state[name]);
  show();
  ask("POST", "/api/sync", {}).then(poll, showError);
}

start();
