/**
 * Plays a transcript of a WebSocket: `> ` is sent, `< ` must arrive next, `$ ` is run in a shell, a line of dashes cuts the connection.
 * Values that no two servers share (epochs, sessions) need only be the same wherever the page says the same.
 */
import { once } from 'node:events';

/** Members whose values differ from server to server. */
export const varying: ReadonlySet<string> = new Set(['epoch', 'session', 'cursor']);

export interface Player {
  readonly url: string;
  shell(command: string): Promise<void>;
}

/** @throws {Error} that shows the line of the transcript and what came instead. */
export async function play(transcript: string, player: Player): Promise<void> {
  const client = new Client(player, new Map());
  try {
    await client.play(transcript);
  } finally {
    await client.close();
  }
}

/** One side of a transcript, which may be played in several parts. */
export class Client {
  readonly #player: Player;
  /** What the page calls an epoch or a session, and what it is here. */
  readonly #known: Map<unknown, unknown>;
  #peer: Peer | undefined;

  constructor(player: Player, known: Map<unknown, unknown>) {
    this.#player = player;
    this.#known = known;
  }

  /** @throws {Error} that shows the line of the transcript and what came instead. */
  async play(transcript: string): Promise<void> {
    const { url, shell } = this.#player;
    for (const line of transcript.split('\n')) {
      const [mark, text] = [line.slice(0, 2), line.slice(2)];
      if (mark === '$ ') await shell(text);
      if (mark === '--') await this.close();
      if (mark !== '> ' && mark !== '< ') continue;
      this.#peer ??= await Peer.open(`${url.replace('http', 'ws')}/ws`);
      if (mark === '> ') this.#peer.send(JSON.stringify(translate(JSON.parse(text), this.#known)));
      else {
        const came = await this.#peer.next(line);
        const fault = difference(JSON.parse(text), JSON.parse(came), this.#known);
        if (fault !== undefined) throw new Error(`expected ${text}\n but got ${came}\n (${fault})`);
      }
    }
  }

  async close(): Promise<void> {
    const peer = this.#peer;
    this.#peer = undefined;
    await peer?.close();
  }
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
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/**
 * The first place where `came` is not what the page says, and undefined where there is none. Epochs, ids of sessions, cursors and the
 * members that `varies` names need only be of the same type and, where they are texts, the same wherever the page says the same.
 *
 * @param known What the page calls such a text, and what it is here; what this finds out is added.
 */
export function difference(
  said: unknown,
  came: unknown,
  known: Map<unknown, unknown>,
  varies: ReadonlySet<string> = varying,
): string | undefined {
  return differenceAt({ path: '', name: '' }, said, came, { known, varies });
}

/** `name` is the member that the value belongs to, also as an element of its list. */
function differenceAt(
  { path, name }: { readonly path: string; readonly name: string },
  said: unknown,
  came: unknown,
  context: { readonly known: Map<unknown, unknown>; readonly varies: ReadonlySet<string> },
): string | undefined {
  if (!isObject(said) && typeof said === typeof came && context.varies.has(name)) {
    if (typeof said === 'number') return undefined;
    const { known } = context;
    if (!known.has(said)) known.set(said, came);
    return known.get(said) === came ? undefined : `${path} is another than before`;
  }
  if (!isObject(said) || !isObject(came)) return said === came ? undefined : path;
  for (const member of new Set([...Object.keys(said), ...Object.keys(came)])) {
    const place = { path: `${path}.${member}`, name: Array.isArray(said) ? name : member };
    const fault = differenceAt(place, said[member], came[member], context);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Adds the texts that members named by `varies` have to what is known. */
export function learn(
  said: unknown,
  came: unknown,
  known: Map<unknown, unknown>,
  varies: ReadonlySet<string>,
): void {
  if (!isObject(said) || !isObject(came)) return;
  for (const [name, value] of Object.entries(said)) {
    if (typeof value === 'string' && varies.has(name)) known.set(value, came[name]);
    else learn(value, came[name], known, varies);
  }
}

/** A command of the page with the values that are in force here. */
function translate(said: unknown, known: ReadonlyMap<unknown, unknown>): unknown {
  if (!isObject(said)) return said;
  if (Array.isArray(said)) return said.map((value) => translate(value, known));
  const entries = Object.entries(said).map(([name, value]): [string, unknown] => [
    name,
    varying.has(name) ? (known.get(value) ?? value) : translate(value, known),
  ]);
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
