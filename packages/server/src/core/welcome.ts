/** What happens to a client of the native protocol before anything that it sends: the application is asked, a token is judged. */
import { type Disconnect, disconnects } from '@carillon/protocol';
import { type Authenticator, type Identity, isAuthenticated } from './access.ts';
import { type Arrivals, askerOf } from './arrivals.ts';
import type { Deadlines } from './deadlines.ts';
import type { ConnectRequest } from './entry.ts';
import { asReplyError, isApplications } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { Log } from './log.ts';
import { pauseReasons, type Session } from './session.ts';

export interface WelcomeContext {
  readonly arrivals: Arrivals;
  readonly authenticator: Authenticator;
  readonly authDeadlines: Deadlines;
  readonly hooks: Hooks;
  readonly log: Log;
}

/** Nothing that the client sends is run before what it is given is over. */
export type Gate = (run: () => Promise<void>) => void;

/** Nobody holds it for longer than it takes, and with it what the handshake said. */
export class Welcome {
  readonly #session: Session;
  readonly #context: WelcomeContext;
  readonly #gate: Gate;

  constructor(session: Session, context: WelcomeContext, gate: Gate) {
    this.#session = session;
    this.#context = context;
    this.#gate = gate;
  }

  begin(request: ConnectRequest): void {
    const { admitted, token } = request;
    if (admitted?.identity !== undefined) this.#identifyAdmitted(admitted.identity);
    else if (admitted !== undefined) this.#goOn(request);
    else if (this.#context.arrivals.areAsked) this.#ask(request);
    else if (token !== undefined) this.#gate(() => this.#authenticate(token, request));
    else this.#goOn(request);
  }

  /** Asks the application. Meanwhile nothing is read. */
  #ask(request: ConnectRequest): void {
    this.#session.pause(pauseReasons.arriving);
    this.#gate(async () => {
      try {
        await this.#judge(request, await this.#context.arrivals.ask(this.#session.id, request));
      } catch (error) {
        this.#session.close(this.#connectDisconnect(error));
      }
      this.#session.resume(pauseReasons.arriving);
    });
  }

  async #judge(request: ConnectRequest, identity: Identity | undefined): Promise<void> {
    if (identity !== undefined) this.#identify(identity);
    else if (request.token !== undefined) await this.#authenticate(request.token, request);
    else this.#goOn(request);
  }

  /** The connection stands already, so a refusal can only end it. */
  async #authenticate(token: string, request: ConnectRequest): Promise<void> {
    const { authenticator } = this.#context;
    try {
      this.#session.identify(await authenticator.authenticate(token, askerOf(this.#session.id, request)));
    } catch (error) {
      this.#session.close(this.#tokenDisconnect(error));
    }
  }

  #identify(identity: Identity): void {
    try {
      this.#session.identify(identity);
    } catch (error) {
      this.#session.close(this.#tokenDisconnect(error));
    }
  }

  /** Who the transport found the client to be; a block may have come since. */
  #identifyAdmitted(identity: Identity): void {
    try {
      this.#session.identify(identity);
    } catch (error) {
      // The transport has not got its listener yet.
      this.#gate(async () => this.#session.close(await Promise.resolve(this.#tokenDisconnect(error))));
    }
  }

  /** It has shown nothing, and may log in by a command. */
  #goOn({ headers }: ConnectRequest): void {
    const { authenticator, authDeadlines, hooks } = this.#context;
    const { admitsAnonymous } = authenticator;
    const wantsHeaders = hooks.has('auth');
    if (wantsHeaders) this.#session.headers = headers;
    if (admitsAnonymous) this.#session.admit();
    const session = this.#session;
    if (wantsHeaders || !admitsAnonymous) authDeadlines.add(() => endOfTime(session, admitsAnonymous));
  }

  #tokenDisconnect(error: unknown): Disconnect {
    const { code, message, status } = asReplyError(error, this.#context.log);
    // It may be good another time.
    if (status >= 500 || status === 429) return disconnects.connectionClosed;
    const { invalidToken } = disconnects;
    return isApplications(code) ? { code: invalidToken.code, reason: message } : invalidToken;
  }

  #connectDisconnect(error: unknown): Disconnect {
    const { message, status } = asReplyError(error, this.#context.log);
    if (status >= 500) return disconnects.connectionClosed;
    return { code: disconnects.permissionDenied.code, reason: message };
  }
}

/** The time to log in is over. */
function endOfTime(session: Session, admitsAnonymous: boolean): void {
  session.headers = undefined;
  // Without a login it can only have subscribed to channels whose names are permission enough.
  if (admitsAnonymous || isAuthenticated(session.identity) || session.subscriptions.length > 0) return;
  session.close(disconnects.badRequest);
}
