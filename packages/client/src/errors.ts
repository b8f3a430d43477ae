/** Why something failed or changed state: the SDK's own reasons, and the error that carries one. */
import {
  internalCode,
  notAvailableCode,
  tokenExpiredCode,
  tokenFailedCode,
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

/** What every rejected promise of the SDK carries. */
export class CarillonError extends Error implements Reason {
  override readonly name = 'CarillonError';
  /** See {@link Reason.code}. */
  declare readonly code: number;

  constructor(reason: Reason, options?: ErrorOptions) {
    super(reason.message, options);
    this.code = reason.code;
  }
}

const temporary: readonly number[] = [internalCode, notAvailableCode, tooManyRequestsCode, tokenFailedCode];
const aboutToken: readonly number[] = [unauthorizedCode, tokenExpiredCode];

/** Whether the same command may succeed a little later. */
export function isTemporary({ code }: Reason): boolean {
  return temporary.includes(code);
}

/** Whether a fresh token may help. */
export function isTokenFault({ code }: Reason): boolean {
  return aboutToken.includes(code);
}

/** Reports `error` as the runtime reports an exception that nobody caught. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
