/** One HTTP request on its way through the router, and what can answer it. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The path as it came, without the query. */
  readonly path: string;
  /** What stands behind the `?`; empty when nothing does. */
  readonly search: string;
}

export type Verb = 'GET' | 'POST' | 'GET, POST, DELETE';

/** Answers the requests of one path. What it throws, or rejects with, becomes the answer. */
export interface Endpoint {
  /** What it takes. `HEAD` comes along with `GET`, `OPTIONS` with both. */
  readonly verb: Verb;
  /** Whether pages of listed origins may read the answer. */
  readonly cors: boolean;
  handle(exchange: Exchange): void | Promise<void>;
}

/** Serves a file. Resolves with false, and has done nothing, when there is none at that path. */
export type Pages = (path: string, req: IncomingMessage, res: ServerResponse) => boolean | Promise<boolean>;
