// Requests: to the phone's own door, and to the admin API in the owner's name.

/** The server said no, in RFC 9457's words; `status` 0 means that it did not answer. */
export class Problem extends Error {
  constructor(status, code, title) {
    super(title);
    this.status = status;
    this.code = code;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "omit", ...options, signal: AbortSignal.timeout(25_000) });
  } catch {
    throw new Problem(0, "no_answer", "The server does not answer.");
  }
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  const title = said?.detail || said?.title || `The server said ${answer.status}.`;
  throw new Problem(answer.status, said?.code ?? "unknown", title);
}

export const get = (path, query) => ask(`${path}?${new URLSearchParams(query)}`);

export const post = (path, body, headers = {}) =>
  ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });

/** Acts in the owner's name. A draft is decided only as it was read: `version` goes along. */
export function act(business, path, body = {}, version = null) {
  const headers = { "X-API-Key": business.api_key, "Idempotency-Key": crypto.randomUUID() };
  if (version !== null) headers["If-Match"] = `"${version}"`;
  return post(`/api/v1/workspaces/${business.id}/${path}`, body, headers);
}
