/** What the transports over plain HTTP share: a session's address and secret, and commands that are posted one after another. */
import type { TransportCallbacks, TransportConnection } from '../transport.ts';

/** Text of the commands in one POST, unless a single one is longer. */
const bodyLength = 16_384;

/** A request was answered with a status that is no success. */
export class HttpStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

export class HttpConnection implements TransportConnection {
  readonly #callbacks: TransportCallbacks;
  readonly #url: URL;
  readonly #abort = new AbortController();
  #headers: Record<string, string> = {};
  #live = true;
  /** The session is open: requests go to its own address. */
  #isOpen = false;
  #queue: string[] = [];
  #isPosting = false;

  /** `url` is the address of the WebSocket; `listen` receives until the session is over. */
  constructor(
    url: string,
    callbacks: TransportCallbacks,
    listen: (connection: HttpConnection) => Promise<void>,
  ) {
    this.#callbacks = callbacks;
    this.#url = new URL(url.replace(/^ws/, 'http'));
    this.#url.pathname = this.#url.pathname.replace(/[^/]*$/, 'stream');
    listen(this).then(
      () => this.#closed(1006, 'the connection was lost'),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Something can still come of it. */
  get live(): boolean {
    return this.#live;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Asks the server: for a session, and once there is one, about it. @throws HttpStatus */
  async request(query: Readonly<Record<string, string>> = {}, init: RequestInit = {}): Promise<Response> {
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const headers = { ...this.#headers, ...init.headers };
    const response = await fetch(url, { signal: this.#abort.signal, cache: 'no-store', ...init, headers });
    if (!response.ok) throw new HttpStatus(response.status);
    return response;
  }

  /** The first message of a session came. */
  opened({ session, secret }: { readonly session: string; readonly secret: string }): void {
    if (!session || !secret) this.#closed(1006, 'this is no Carillon server');
    if (!this.#live) return;
    this.#isOpen = true;
    this.#url.pathname += `/${session}`;
    this.#headers = { 'X-Carillon-Secret': secret };
    this.#callbacks.opened(session);
  }

  /** Each further message. */
  received(frame: string): void {
    if (!this.#live) return;
    // The server writes it in this form alone.
    if (frame.startsWith('{"event":"$server","type":"close"')) {
      const { code, msg } = JSON.parse(frame) as { readonly code: number; readonly msg: string };
      this.#closed(code, msg);
    } else this.#callbacks.received(frame);
  }

  send(text: string): void {
    this.#queue.push(text);
    if (!this.#isPosting) void this.#post();
  }

  close(): void {
    this.#live = false;
    this.#abort.abort();
    // A proxy may keep its own request to the server open, so the server is told.
    if (this.#isOpen) this.request({}, { method: 'DELETE', keepalive: true, signal: null }).catch(() => {});
  }

  /** Ends with everything being sent; POSTs are sent one by one, because two would keep no order. */
  async #post(): Promise<void> {
    this.#isPosting = true;
    // What the present task still sends goes along.
    await undefined;
    try {
      while (this.#live && this.#queue.length > 0) {
        const headers = { 'Content-Type': 'application/x-ndjson' };
        await this.request({}, { method: 'POST', body: this.#body(), headers });
      }
    } catch (error) {
      this.#failed(error);
    }
    this.#isPosting = false;
  }

  #body(): string {
    let count = 1;
    let length = this.#queue[0]?.length ?? 0;
    while (count < this.#queue.length && length < bodyLength) length += this.#queue[count++]?.length ?? 0;
    return this.#queue.splice(0, count).join('\n');
  }

  #failed(error: unknown): void {
    const isTooBig = error instanceof HttpStatus && error.status === 413;
    this.#closed(isTooBig ? 1009 : 1006, error instanceof Error ? error.message : String(error));
  }

  #closed(code: number, reason: string): void {
    if (!this.#live) return;
    this.#live = false;
    this.#abort.abort();
    this.#callbacks.closed(code, reason);
  }
}
