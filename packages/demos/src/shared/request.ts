/** Requests of the pages to their own server: JSON there and back, refusals as errors with their code. */

/** The server said no. Anything else that `post` throws means that no answer came. */
export class Refusal extends Error {
  /** The number of the error, or 0 where the answer has none. */
  readonly code: number;
  readonly status: number;

  constructor(code: number, message: string, status: number) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.status = status;
  }
}

/** Posts an object and resolves with what came back, which the caller has to look at before it believes it. */
export async function post(path: string, body: object = {}): Promise<unknown> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const { error } = (answer ?? {}) as { error?: { code?: unknown; message?: unknown } };
  const code = typeof error?.code === 'number' ? error.code : 0;
  throw new Refusal(code, String(error?.message ?? response.statusText), response.status);
}

/** A method of the server API; resolves with its result. In development mode, on this machine, it needs no key. */
export async function callApi(method: string, params: object): Promise<unknown> {
  const answer = (await post(`/v1/${method}`, params)) as { result?: unknown } | undefined;
  return answer?.result;
}
