/** Clients that come: the application is asked whether they may, before anything else, and then a token that they show is judged. */
import type { Authenticator, Identity, TokenAsker } from './access.ts';
import type { Blocks } from './blocks.ts';
import type { ConnectRequest } from './entry.ts';
import { ReplyError, refuse } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { Log } from './log.ts';

export interface ArrivalsContext {
  readonly hooks: Hooks;
  readonly authenticator: Authenticator;
  readonly blocks: Blocks;
  readonly log: Log;
}

export class Arrivals {
  readonly #context: ArrivalsContext;

  constructor(context: ArrivalsContext) {
    this.#context = context;
  }

  /** Whether the application wants to be asked about those who come. */
  get areAsked(): boolean {
    return this.#context.hooks.has('connect');
  }

  /**
   * Asks the application. Who the client is, where it says so; a token is not looked at then.
   *
   * @throws {ReplyError} 403 it refuses, in its own words; 503 it failed, is late or cannot be asked.
   */
  async ask(session: string, { address, headers }: ConnectRequest): Promise<Identity | undefined> {
    const { hooks, log } = this.#context;
    try {
      return await hooks.ask('connect', { session, address, headers });
    } catch (error) {
      if (!(error instanceof ReplyError)) log.error("the hook 'connect' failed", { error });
      const { code, message, status } = error instanceof ReplyError ? error : refuse('internal');
      throw new ReplyError(code, message, status >= 500 ? 503 : 403);
    }
  }

  /** Both, for who must know before anything is answered. Undefined: the client showed nothing. @throws {ReplyError} also what the token is refused with. */
  async admit(session: string, request: ConnectRequest): Promise<Identity | undefined> {
    const { authenticator, blocks } = this.#context;
    const identity = this.areAsked ? await this.ask(session, request) : undefined;
    if (identity !== undefined) blocks.check(identity);
    if (identity !== undefined || request.token === undefined) return identity;
    return authenticator.authenticate(request.token, askerOf(session, request));
  }
}

/** Who shows the token of a handshake. */
export function askerOf(session: string, { address, headers, device }: ConnectRequest): TokenAsker {
  return { session, address, headers, ...(device !== undefined && { device }) };
}
