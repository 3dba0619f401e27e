// What is asked and shown, as it stands in the address: each result is a link.

const NAMES = ["q", "view", "kind", "folder", "since", "until", "size", "all", "n", "like", "unlike", "doc"];
export const FILTERS = ["kind", "folder", "since", "until", "size"];
const SIZES = { small: { max_size: 100_000 }, medium: { min_size: 100_001, max_size: 5_000_000 }, large: { min_size: 5_000_001 } };
const FIRST = 24; // hits at first: making snippets of many takes time while one types
const MOST = 200;

export function most(state) {
  return Math.min(MOST, Math.max(FIRST, Number.parseInt(state.n, 10) || FIRST));
}

export function canShowMore(state) {
  return most(state) < MOST;
}

export function twice(state) {
  return String(Math.min(MOST, 2 * most(state)));
}

export function read() {
  const parameters = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, parameters.get(name) || ""]));
}

export function address(state) {
  const parameters = new URLSearchParams(NAMES.filter((name) => state[name]).map((name) => [name, state[name]]));
  const text = parameters.toString();
  return text ? `/?${text}` : "/";
}

// What the server is asked for a state; null: nothing yet.
export function question(state) {
  const fields = { k: most(state), ...filters(state) };
  if (state.like) return { path: "/api/similar", body: { ...fields, document: state.like } };
  if (!state.q.trim()) return null;
  const unlike = state.unlike ? state.unlike.split(",") : [];
  const least = state.all ? { min_score: null } : {};
  return { path: "/api/search", body: { ...fields, ...least, query: state.q, ...(unlike.length ? { unlike } : {}) } };
}

function filters(state) {
  const fields = { ...(SIZES[state.size] || {}) };
  for (const name of ["kind", "since", "until"]) if (state[name]) fields[name] = state[name];
  if (state.folder) {
    const at = state.folder.indexOf("/");
    fields.folders = [at < 0 ? state.folder : decodeURIComponent(state.folder.slice(0, at))];
    if (at >= 0) fields.paths = [`/${escaped(state.folder.slice(at + 1))}/**`];
    else fields.folders = [decodeURIComponent(state.folder)];
  }
  return fields;
}

function escaped(path) {
  return path.replace(/[*?[\]\\{},!]/g, "\\$&");
}
