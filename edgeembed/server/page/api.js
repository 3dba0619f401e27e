// Requests to the server that the page comes from, and to no other.

export class ServerError extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export async function ask(method, path, body, signal) {
  const options = { method, signal, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, String(error.message));
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(response.status, answer.reason || response.statusText);
  return answer;
}
