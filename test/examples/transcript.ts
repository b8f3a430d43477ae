/**
 * Plays a transcript of a WebSocket: `> ` is sent, `< ` must arrive next, `$ ` is run in a shell, a line of dashes cuts the connection.
 * Values that no two servers share (epochs, sessions) need only be the same wherever the page says the same.
 */
import { once } from 'node:events';

/** Members whose values differ from server to server. */
const varying = new Set(['epoch', 'session', 'cursor']);

export interface Player {
  readonly url: string;
  shell(command: string): Promise<void>;
}

/** @throws {Error} that shows the line of the transcript and what came instead. */
export async function play(transcript: string, { url, shell }: Player): Promise<void> {
  /** What the page calls an epoch or a session, and what it is here. */
  const known = new Map<unknown, unknown>();
  let peer: Peer | undefined;
  for (const line of transcript.split('\n')) {
    const [mark, text] = [line.slice(0, 2), line.slice(2)];
    if (mark === '$ ') await shell(text);
    if (mark === '--') {
      await peer?.close();
      peer = undefined;
    }
    if (mark !== '> ' && mark !== '< ') continue;
    peer ??= await Peer.open(`${url.replace('http', 'ws')}/ws`);
    if (mark === '> ') peer.send(JSON.stringify(translate(JSON.parse(text), known)));
    else {
      const came = await peer.next(line);
      const fault = difference(JSON.parse(text), JSON.parse(came), known);
      if (fault !== undefined) throw new Error(`expected ${text}\n but got ${came}\n (${fault})`);
    }
  }
  await peer?.close();
}

class Peer {
  readonly #socket: WebSocket;
  readonly #arrived: string[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#arrived.push(String(data)));
  }

  static async open(url: string): Promise<Peer> {
    const socket = new WebSocket(url);
    const peer = new Peer(socket);
    await once(socket, 'open');
    return peer;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  async next(wanted: string): Promise<string> {
    if (this.#arrived.length === 0)
      await once(this.#socket, 'message', { signal: AbortSignal.timeout(5_000) }).catch(() => {
        throw new Error(`nothing arrived, but expected ${wanted}`);
      });
    return this.#arrived.shift() ?? '';
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** The first place where `came` is not what the page says, and undefined where there is none. */
export function difference(
  said: unknown,
  came: unknown,
  known: Map<unknown, unknown>,
  path = '',
): string | undefined {
  if (varying.has(path.split('.').at(-1) ?? '') && typeof said === typeof came) {
    if (!known.has(said)) known.set(said, came);
    return known.get(said) === came ? undefined : `${path} is another than before`;
  }
  if (!isObject(said) || !isObject(came)) return said === came ? undefined : path;
  const names = new Set([...Object.keys(said), ...Object.keys(came)]);
  for (const name of names) {
    const fault = difference(said[name], came[name], known, `${path}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A command of the page with the values that are in force here. */
function translate(said: unknown, known: ReadonlyMap<unknown, unknown>): unknown {
  if (!isObject(said)) return said;
  const entries = Object.entries(said).map(([name, value]): [string, unknown] => [
    name,
    varying.has(name) ? (known.get(value) ?? value) : translate(value, known),
  ]);
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
