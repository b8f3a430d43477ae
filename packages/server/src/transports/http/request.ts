/** What a feed asks for over plain HTTP, and what its transports share: the door of the core, time, and the first steps of an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import type { FeedRequest, PreparedFeed, PrepareFeed } from '../../core/entry.ts';
import { refuse } from '../../core/errors.ts';

/** A request for a feed, read and checked. */
export interface FeedAsked {
  readonly request: FeedRequest;
  /** What the query says; absent, each transport has its own. */
  readonly format?: 'json' | 'raw';
  /** A JavaScript name, or names joined by dots: checked, because it becomes code. */
  readonly callback?: string;
  /** How long a long-poll may be held; absent, the transport decides. */
  readonly timeoutMs?: number;
}

/** Durations in milliseconds. */
export interface HttpFeedOptions {
  readonly prepareFeed: PrepareFeed;
  readonly clock: Clock;
  /** How long unsent bytes may stay without any of them leaving. */
  readonly stallTimeoutMs: number;
}

/**
 * Prepares a feed for an answer. Undefined when the client went away meanwhile.
 *
 * @throws {ReplyError} as the core refuses, and 108 when `isClosing` says so.
 */
export async function prepare(
  res: ServerResponse,
  { request }: FeedAsked,
  prepareFeed: PrepareFeed,
  isClosing: () => boolean,
): Promise<{ readonly prepared: PreparedFeed; readonly socket: Socket } | undefined> {
  const socket = await socketOf(res);
  if (socket === undefined) return undefined;
  if (isClosing()) throw shuttingDown();
  const prepared = await prepareFeed(request);
  if (!isClosing() && isWaiting(res)) return { prepared, socket };
  prepared.cancel();
  if (isClosing()) throw shuttingDown();
  return undefined;
}

/** Answers HEAD: what GET would say, and nothing held. */
export function answerHead(res: ServerResponse, prepared: PreparedFeed, headers: readonly string[]): void {
  prepared.cancel();
  res.writeHead(200, [...headers]).end();
}

export function isHead(req: IncomingMessage): boolean {
  return req.method === 'HEAD';
}

/** What every answer of a feed tells of where it starts. */
export function startHeaders({ cursor, recovered }: PreparedFeed): readonly string[] {
  const place = cursor === '' ? [] : ['Carillon-Cursor', cursor];
  return recovered === undefined ? place : [...place, 'Carillon-Recovered', String(recovered)];
}

/** The socket of an answer. A request that was sent behind another one gets it once that one is answered. */
export async function socketOf(res: ServerResponse): Promise<Socket | undefined> {
  if (res.socket === null && isWaiting(res)) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        res.off('socket', done).off('close', done);
        resolve();
      };
      res.on('socket', done).on('close', done);
    });
  }
  return isWaiting(res) ? (res.socket ?? undefined) : undefined;
}

/** Somebody still waits for the answer. */
function isWaiting(res: ServerResponse): boolean {
  return !res.destroyed && !res.closed && res.socket?.destroyed !== true;
}

function shuttingDown(): Error {
  return refuse('notAvailable', 'the server is shutting down; ask again');
}
