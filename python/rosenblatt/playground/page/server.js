// The way to the server: questions and wishes as JSON, and what went wrong in its own words.

/** An answer that is no: `status` is that of HTTP, 0 where there was no answer at all. */
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

/** Ask for what changes nothing. */
export function get(path) {
  return ask(path);
}

/** Wish for something. */
export function post(path, fields = {}) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
}
