/** The numbers both ends agree on: why a command was refused, and why a connection ended. */

/** A refusal of one command. The connection lives on. */
export interface ErrorCode {
  readonly code: number;
  readonly message: string;
  /** The HTTP status that carries the same refusal on the server API. */
  readonly status: number;
}

/** 1-399 are Carillon's own; 400-1999 belong to the application; everything else is not used. */
export const errorCodes = {
  notAuthenticated: { code: 1, message: 'Not Auth', status: 401 },
  internal: { code: 100, message: 'internal server error', status: 500 },
  unauthorized: { code: 101, message: 'unauthorized', status: 401 },
  unknownChannel: { code: 102, message: 'unknown channel', status: 404 },
  permissionDenied: { code: 103, message: 'permission denied', status: 403 },
  unknownMethod: { code: 104, message: 'unknown method', status: 404 },
  alreadySubscribed: { code: 105, message: 'already subscribed', status: 400 },
  limitExceeded: { code: 106, message: 'limit exceeded', status: 400 },
  badRequest: { code: 107, message: 'bad request', status: 400 },
  notAvailable: { code: 108, message: 'not available', status: 503 },
  tokenExpired: { code: 109, message: 'token expired', status: 401 },
  tooManyRequests: { code: 111, message: 'too many requests', status: 429 },
  unrecoverablePosition: { code: 112, message: 'unrecoverable position', status: 400 },
  conflict: { code: 113, message: 'conflict', status: 409 },
  gone: { code: 114, message: 'gone', status: 410 },
} as const satisfies Record<string, ErrorCode>;

export type ErrorName = keyof typeof errorCodes;

/** An end of a connection: a WebSocket close code, or the last event of a stream. */
export interface Disconnect {
  readonly code: number;
  readonly reason: string;
}

/** 1000-2999 are the WebSocket protocol's own; the ranges of {@link shouldReconnect} cover the rest. */
export const disconnects = {
  normal: { code: 1000, reason: 'normal closure' },
  protocolError: { code: 1002, reason: 'protocol error' },
  invalidText: { code: 1007, reason: 'text is not UTF-8' },
  tooBig: { code: 1009, reason: 'frame too big' },
  connectionClosed: { code: 3000, reason: 'connection closed' },
  shutdown: { code: 3001, reason: 'shutdown' },
  expired: { code: 3005, reason: 'expired' },
  slow: { code: 3008, reason: 'slow' },
  insufficientState: { code: 3010, reason: 'insufficient state' },
  noPong: { code: 3012, reason: 'no pong' },
  invalidToken: { code: 3500, reason: 'invalid token' },
  badRequest: { code: 3501, reason: 'bad request' },
  forced: { code: 3503, reason: 'force disconnect' },
  permissionDenied: { code: 3507, reason: 'permission denied' },
  tooManyErrors: { code: 3508, reason: 'too many errors' },
} as const satisfies Record<string, Disconnect>;

/**
 * Whether a client should come back after a connection ended with `code`. 3500-3999 and 4500-4999 say no, and so
 * do the faults of a client that would only repeat them (1002, 1003, 1007, 1009); everything else says yes.
 */
export function shouldReconnect(code: number): boolean {
  return code % 1_000 < 500 && ![1002, 1003, 1007, 1009].includes(code);
}
