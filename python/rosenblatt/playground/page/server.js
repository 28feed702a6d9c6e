// The connection to the server: requests as JSON, and errors with the server's messages.

/** A refused or failed request; `status` is the HTTP status, or 0 if there was no answer. */
export class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  let response;
  let answer;
  try {
    response = await fetch(`/api/${path}`, { ...options, cache: "no-store" });
    answer = await response.json();
  } catch (error) {
    throw new ServerError(0, String(error));
  }
  if (!response.ok) throw new ServerError(response.status, answer.error);
  return answer;
}

/** Request data; changes nothing on the server. */
export function get(path) {
  return ask(path);
}

/** Request an action. */
export function post(path, fields = {}) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
}
