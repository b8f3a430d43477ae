/** What the test clients of all transports have in common: what came, where they stand, what they were told of losses. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

export interface Received {
  /** Absent where the transport carries bare data. */
  readonly channel?: string;
  readonly data: unknown;
  readonly offset?: number;
  readonly binary?: boolean;
}

export interface FeedQuery {
  readonly channels: readonly string[];
  readonly cursor?: string;
  /** Further members of the query, such as `from=oldest`. */
  readonly more?: string;
  readonly token?: string;
}

/** One client. It reads on its own, a poller by asking again. */
export abstract class FeedClient {
  readonly received: Received[] = [];
  readonly gaps: unknown[] = [];
  /** Empty lines, comments, pings. */
  heartbeats = 0;
  cursor = '';
  /** What the answer said; a poll's first. */
  recovered: boolean | undefined;
  /** How it ended: `end` in an orderly way, `cut` otherwise, or the close code of a WebSocket. */
  ended: string | number | undefined;
  #waiting: (() => void)[] = [];

  abstract open(port: number, query: FeedQuery): Promise<void>;
  /** Goes away without a word. */
  abstract cut(): void;
  /** Stops, or goes on, reading its socket. */
  abstract pause(): void;
  abstract resume(): void;

  /** Hands the server one message. Resolves, over HTTP with the status, when it is on its way. */
  say(_text: string): Promise<number | undefined> {
    throw new Error('nothing is sent this way');
  }

  /** Resolves once it has so many publications. */
  has(count: number): Promise<void> {
    return this.until(() => this.received.length >= count);
  }

  async until(holds: () => boolean, ms = 15_000): Promise<void> {
    const deadline = Date.now() + ms;
    while (!holds()) {
      if (Date.now() > deadline) {
        throw new Error(`not within ${ms} ms; ${this.received.length} received, ended: ${this.ended}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The values of a member `n` of what came, for tests that count. */
  get numbers(): readonly unknown[] {
    return this.received.map(({ data }) => (data as { readonly n: unknown } | null)?.n);
  }

  protected changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** An object of `/sub`. */
  protected take(object: Record<string, unknown>): void {
    const { type, cursor, channel, data, offset, binary } = object;
    if (typeof cursor === 'string') this.cursor = cursor;
    if (type === 'gap') this.gaps.push(object);
    else if (type === undefined) {
      this.received.push({
        data,
        ...(typeof channel === 'string' && { channel }),
        ...(typeof offset === 'number' && { offset }),
        ...(typeof binary === 'boolean' && { binary }),
      });
    }
    this.changed();
  }

  protected end(how: string | number): void {
    this.ended ??= how;
    this.changed();
  }
}

/** The address of a query. */
export function pathOf(base: string, { channels, cursor, more, token }: FeedQuery): string {
  const parts = channels.map((channel) => `channel=${encodeURIComponent(channel)}`);
  if (cursor !== undefined) parts.push(`cursor=${cursor}`);
  if (token !== undefined) parts.push(`token=${token}`);
  if (more !== undefined) parts.push(more);
  return `${base}?${parts.join('&')}`;
}

/** A WebSocket that is open, or the status that refused it. */
export async function dial(url: string, made: (socket: WebSocket) => void): Promise<WebSocket> {
  const socket = new WebSocket(url);
  made(socket);
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_: unknown, res: IncomingMessage) => {
      reject(new Error(String(res.statusCode)));
    });
    socket.on('error', reject);
  });
}

/** What a request is made of, where it is no plain GET. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The head of an answer; a refusal is an error of its status. */
export function ask(
  port: number,
  target: string,
  made: (request: ClientRequest) => void = () => undefined,
  { body, ...more }: Asked = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: target, agent: false, ...more };
    const sent = httpRequest(options, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode < 400) resolve(response);
      else reject(new Error(String(statusCode)));
    });
    made(sent);
    sent.on('error', reject);
    sent.end(body);
  });
}
