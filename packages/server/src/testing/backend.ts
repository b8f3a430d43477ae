/** A small HTTP server on a free port, for tests of what this server asks of others. Answers as the test says, and counts. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';

export interface BackendRequest {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (res: ServerResponse, request: BackendRequest) => void;

export class Backend {
  readonly requests: BackendRequest[] = [];
  /** Connections that were ever opened. */
  connections = 0;
  /** The most requests that were open at the same time. */
  mostAtOnce = 0;
  answer: Answer;
  port = 0;
  #open = 0;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((req, res) => {
      let body = '';
      this.#open += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
      res.on('close', () => {
        this.#open -= 1;
      });
      req.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      req.on('end', () => {
        const request = { method: req.method, headers: req.headers, body };
        this.requests.push(request);
        this.answer(res, request);
        for (const look of this.#waiting) look();
      });
    });
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  static async start(answer: Answer, port = 0): Promise<Backend> {
    const backend = new Backend(answer);
    backend.#server.listen(port, '127.0.0.1');
    await once(backend.#server, 'listening');
    const address = backend.#server.address();
    if (address !== null && typeof address === 'object') backend.port = address.port;
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Resolves when so many requests have arrived since the start. */
  arrived(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.requests.length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Ends the connections on which nothing is open, as servers do after a while. */
  endIdle(): void {
    this.#server.closeIdleConnections();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

/** Answers with JSON. */
export function json(value: unknown, status = 200): Answer {
  return (res) => {
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };
}
