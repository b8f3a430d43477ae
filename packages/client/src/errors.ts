/** Why something failed or changed state: the SDK's own reasons, and the error that carries one. */
import {
  internalCode,
  notAvailableCode,
  tokenExpiredCode,
  tooManyRequestsCode,
  unauthorizedCode,
} from './codes.ts';

/** A number to decide by and a sentence to show. */
export interface Reason {
  /**
   * 1-1999: an error of the server. 1000-1015 and 3000-4999: the close code of a connection. 2000-2999: the SDK's
   * own, listed in {@link reasons}.
   */
  readonly code: number;
  readonly message: string;
}

/** The reasons that come from the SDK itself. 2000-2019 are about the connection, 2020-2039 about a subscription, 2040-2059 about a command. */
export const reasons = {
  connectCalled: { code: 2000, message: 'connecting' },
  connected: { code: 2001, message: 'connected' },
  closeCalled: { code: 2002, message: 'the client was closed: connect() opens it again' },
  connectTimeout: { code: 2003, message: 'connecting took longer than timeoutMs' },
  noPong: { code: 2004, message: 'the server fell silent' },
  badFrame: { code: 2005, message: 'the server sent an invalid frame' },
  advised: { code: 2006, message: 'the server asked for a reconnect' },
  tokenFailed: { code: 2007, message: 'the token callback failed, or took longer than timeoutMs' },
  offline: { code: 2008, message: 'the network went away' },
  noAnswer: { code: 2009, message: 'the server did not answer within timeoutMs' },
  openFailed: { code: 2010, message: 'this runtime refuses to connect there' },
  noWebSocket: { code: 2011, message: 'this runtime has no WebSocket: give one as an option' },
  subscribeCalled: { code: 2020, message: 'subscribing' },
  subscribed: { code: 2021, message: 'subscribed' },
  unsubscribeCalled: { code: 2022, message: 'unsubscribe was called' },
  notRecovered: { code: 2023, message: 'the history does not reach back far enough' },
  notKept: { code: 2024, message: 'the channel keeps no history' },
  skipped: { code: 2025, message: 'the server skipped publications' },
  timeout: { code: 2040, message: 'the server did not answer within timeoutMs' },
  connectionLost: { code: 2041, message: 'the connection was lost' },
  queueFull: { code: 2042, message: 'too many commands wait: await them, or raise queueLimit' },
  tooLarge: { code: 2043, message: 'the command exceeds maxFrameBytes: send less, or raise it' },
  notJson: { code: 2044, message: 'data must be a value that JSON can hold' },
  overflow: { code: 2045, message: 'a for await loop fell too far behind' },
  queueTimeout: { code: 2046, message: 'the command waited longer than queueTimeoutMs' },
} as const satisfies Record<string, Reason>;

/** What every rejected promise of the SDK carries. */
export class CarillonError extends Error implements Reason {
  override readonly name = 'CarillonError';
  /** See {@link Reason.code}. */
  readonly code: number;

  constructor(reason: Reason, options?: ErrorOptions) {
    super(reason.message, options);
    this.code = reason.code;
  }
}

/** Whether the same command may succeed a little later. */
export function isTemporary({ code }: Reason): boolean {
  return code === internalCode || code === notAvailableCode || code === tooManyRequestsCode;
}

/** Whether a fresh token may help. */
export function isTokenFault({ code }: Reason): boolean {
  return code === unauthorizedCode || code === tokenExpiredCode;
}

/** Reports `error` as the runtime reports an exception that nobody caught. */
export function reportUncaught(error: unknown): void {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}
