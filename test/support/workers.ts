/** Reaches every worker of a server: the kernel decides where a connection lands, so more are opened until all are met. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningCarillon } from './carillon.ts';
import { Listener } from './listener.ts';

/** Enough of them that the chance of not meeting one of a few workers is none, */
const attempts = 600;
/** and as many at once: a worker that does not serve yet is waited for after these. */
const atOnce = 50;

/** Listeners that are logged in with this token, one at each worker, by the beginning of its sessions' names. */
export async function atEveryWorker(
  { wsUrl }: Pick<RunningCarillon, 'wsUrl'>,
  count: number,
  token: string,
): Promise<Listeners> {
  const found = new Map<string, Listener>();
  for (let attempt = 0; attempt < attempts && found.size < count; attempt++) {
    if (attempt >= atOnce) await sleep(20);
    // Where one has just died, a connection may still be refused for a moment.
    const listener = await Listener.open(`${wsUrl}/ws`).catch(() => sleep(20));
    if (listener === undefined) continue;
    listener.send(JSON.stringify({ id: 1, op: 'auth', token }));
    const [reply] = await listener.until(1);
    const { result } = JSON.parse(String(reply)) as { readonly result?: { readonly session: string } };
    if (result === undefined) throw new Error(`not logged in: ${reply}`);
    const worker = result.session.split('.')[0] ?? '';
    listener.got.length = 0;
    if (found.has(worker)) listener[Symbol.dispose]();
    else found.set(worker, listener);
  }
  if (found.size < count)
    throw new Error(`${attempts} connections met the workers ${[...found.keys()]} only`);
  return new Listeners([...found.values()]);
}

/** One at each worker; they end together. */
export class Listeners implements Disposable {
  readonly all: readonly Listener[];

  constructor(all: readonly Listener[]) {
    this.all = all;
  }

  /** Sends it everywhere, and resolves with the next `answers` messages at each. */
  send(message: object, answers = 1): Promise<unknown[][]> {
    const before = this.all.map(({ got }) => got.length);
    for (const listener of this.all) listener.send(JSON.stringify(message));
    return this.next(answers, before);
  }

  /** The next messages at each, or those after the ones that were there `before`. */
  next(count: number, before = this.all.map(({ got }) => got.length)): Promise<unknown[][]> {
    return Promise.all(
      this.all.map(async (listener, at) => {
        const seen = before[at] ?? 0;
        const got = await listener.until(seen + count);
        return got.slice(seen, seen + count).map((message) => JSON.parse(String(message)) as unknown);
      }),
    );
  }

  [Symbol.dispose](): void {
    for (const listener of this.all) listener[Symbol.dispose]();
  }
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Posts JSON over a connection of its own, so that any worker may get it. */
export async function postAnywhere(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const json = { 'Content-Type': 'application/json', ...headers };
  const asked = request(url, { method: 'POST', agent: false, headers: json }).end(JSON.stringify(body));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: JSON.parse(await text(answer)) as unknown };
}
