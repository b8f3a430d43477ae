/** Shows the server a fresh token before the present one expires. */
import type { CarillonError } from './errors.ts';
import type { Settle } from './requests.ts';
import type { Cancel, Timers } from './timers.ts';
import type { TokenSource } from './token.ts';

/** What it needs of the connection. */
export interface RefreshLink {
  send(command: string, settle: Settle): void;
  /** The server refused the token. */
  lost(reason: CarillonError): void;
  report(error: unknown): void;
}

/** Timers hold no longer delay. */
const timerMaxMs = 2_147_483_647;

/**
 * Asks for the token that is good for so many seconds 30 s before its time, or a tenth of a short one. Where that fails, the server ends
 * the connection in its time, and the next begins with a fresh token.
 */
export function refreshIn(seconds: number, link: RefreshLink, token: TokenSource, timers: Timers): Cancel {
  let cancel = timers.after(Math.min(Math.max(seconds * 900, seconds * 1_000 - 30_000), timerMaxMs), () => {
    let isOver = false;
    cancel = () => {
      isOver = true;
    };
    token.forget();
    token.get().then(
      (fresh) => {
        if (isOver) return;
        link.send(JSON.stringify({ op: 'refresh', token: fresh }), (error, result) => {
          if (isOver) return;
          if (error) return link.lost(error);
          const { expires } = result as { readonly expires?: number };
          if (expires) cancel = refreshIn(expires, link, token, timers);
        });
      },
      (error: unknown) => link.report(error),
    );
  });
  return () => cancel();
}
