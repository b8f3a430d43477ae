/** How the core says no to a command. */
import { type Disconnect, disconnects, type ErrorName, errorCodes } from '@carillon/protocol';
import type { Log } from './log.ts';
import type { Rate } from './rate.ts';

/** A command is refused; its connection lives. Becomes an error reply, or an HTTP status and error body. */
export class ReplyError extends Error {
  readonly code: number;
  /** The HTTP status that carries the refusal on the server API. */
  readonly status: number;
  /** In how many milliseconds it is worth another try; absent: nobody knows. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, message: string, status: number, retryAfterMs?: number) {
    super(message);
    this.name = 'ReplyError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The application's own refusal: `code` is 400 to 1999. Over HTTP it is 403. */
export function refusedByHook(code: number, message: string): ReplyError {
  return new ReplyError(code, message, 403);
}

/** Whether a code is one of the application's own. */
export function isApplications(code: number): boolean {
  return code >= 400 && code <= 1999;
}

/** The end of a connection that was not permitted something: the application's own words are the reason. */
export function refusedEnd({ code, message }: ReplyError): Disconnect {
  const { permissionDenied } = disconnects;
  return isApplications(code) ? { code: permissionDenied.code, reason: message } : permissionDenied;
}

/** What a client is told; that nobody foresaw is logged, and the client told no more than that. */
export function asReplyError(error: unknown, log: Log): ReplyError {
  if (error instanceof ReplyError) return error;
  log.error('a command failed', { error });
  return refuse('internal');
}

/** Something comes faster than a rate allows; `what` names it in the plural. */
export function tooMany({ count, perMs }: Rate, what: string, waitMs: number): ReplyError {
  const { code, message, status } = errorCodes.tooManyRequests;
  const [seconds, wait] = [perMs / 1_000, Math.ceil(waitMs / 1_000)];
  const detail = `at most ${count} ${what} in ${seconds} s; try again in ${wait} s`;
  return new ReplyError(code, `${message}: ${detail}`, status, waitMs);
}

/** Refuses with one of Carillon's own codes; `detail` is the sentence that names field, limit and remedy. */
export function refuse(name: ErrorName, detail?: string): ReplyError {
  const { code, message, status } = errorCodes[name];
  return new ReplyError(code, detail === undefined ? message : `${message}: ${detail}`, status);
}
