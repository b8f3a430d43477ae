/** A client that named its channels at once and wants publications only; what it sends is published to its channel. */
import { type Disconnect, disconnects, errorCodes, type JsonText, limits } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { Clock } from './clock.ts';
import type { Connection, ConnectionListener } from './connection.ts';
import { ReplyError, refuse, refusedEnd } from './errors.ts';
import { checkAnswered, clientOf } from './hook-facts.ts';
import type { HookAnswers, Hooks } from './hooks.ts';
import type { Log } from './log.ts';
import { PublishRate } from './publish-rate.ts';
import type { Publisher } from './publisher.ts';
import type { Asker, Rules } from './rules.ts';
import { pauseReasons, Session } from './session.ts';
import type { Followed, SessionContext } from './session-context.ts';
import type { Turnstile } from './turnstile.ts';

export interface FeedContext {
  readonly node: Publisher;
  readonly rules: Rules;
  readonly sessions: SessionContext;
  readonly clock: Clock;
  readonly hooks: Hooks;
  /** Where frames, by their session, wait for the application. */
  readonly messages: Turnstile;
  readonly log: Log;
}

/** Who asks for a feed, as it will be known. */
export interface FeedClient {
  readonly id: string;
  readonly identity: Identity;
  readonly address: string;
  readonly isPoll?: true;
}

export class Feed implements ConnectionListener, Asker {
  readonly #session: Session;
  readonly #context: FeedContext;
  #publishing = 0;
  readonly #rate: PublishRate | undefined;

  constructor(connection: Connection, client: FeedClient, context: FeedContext) {
    this.#session = new Session(client.id, connection, client, context.sessions);
    this.#context = context;
    const { clock, sessions } = context;
    const { publishesPerSecond } = sessions.clientLimits;
    if (publishesPerSecond !== undefined) this.#rate = new PublishRate(clock, publishesPerSecond);
  }

  get identity(): Identity {
    return this.#session.identity;
  }

  subscribed(channel: string): boolean {
    return this.#session.subscribed(channel);
  }

  hooked(action: 'subscribe' | 'publish'): boolean {
    return this.#context.hooks.has(action);
  }

  follow(followed: readonly Followed[]): void {
    this.#session.follow(followed);
  }

  /** Its subscriptions are in force. */
  begin({ isPoll }: FeedClient): void {
    const { blocks } = this.#context.sessions;
    if (blocks.find(this.#session.identity) !== undefined) {
      // A block may have come since the token was judged. The transport has not got its listener yet.
      void Promise.resolve().then(() => this.#session.close(disconnects.invalidToken));
    } else if (isPoll !== true) this.#session.admit();
  }

  received(text: string): void {
    this.#take(JSON.stringify(text));
  }

  receivedBytes(bytes: Buffer): void {
    this.#take(`"${bytes.toString('base64')}"`, true);
  }

  drained(): void {
    this.#session.drained();
  }

  closed(end?: Partial<Disconnect>): void {
    this.#session.closed(end);
  }

  #take(data: JsonText, binary?: true): void {
    const { hooks } = this.#context;
    const channel = this.#channel();
    try {
      if (hooks.has('message')) this.#wait(this.#ask(channel, data, binary));
      else {
        const target = this.#target(channel);
        this.#rate?.use();
        this.#wait(this.#publish(target, data, binary));
      }
    } catch (error) {
      this.#end(error);
    }
  }

  /** Asks the application what becomes of a frame. Whether it may be published is settled by how things stand when it comes. */
  #ask(channel: string | undefined, data: JsonText, binary?: true): Promise<unknown> {
    const { hooks, messages } = this.#context;
    this.#rate?.use();
    const targeting = attempt(() => this.#target(channel));
    const publish = async (answer: HookAnswers['message']): Promise<void> => {
      if (answer === false) return;
      const target = targeting();
      if (answer === undefined) await this.#publish(target, data, binary);
      else await this.#publish(target, checkAnswered('message', answer.data));
    };
    const event = {
      ...clientOf(this.#session),
      data,
      ...(binary && { binary }),
      ...(channel !== undefined && { channel }),
    };
    return messages.pass(this.#session.id, data.length, () => hooks.ask('message', event), publish);
  }

  #publish(channel: string, data: JsonText, binary?: true): Promise<unknown> {
    return this.#context.node.publish(channel, data, binary && { binary }, this.#session);
  }

  /** A request for several channels names none to publish to. */
  #channel(): string | undefined {
    const [only, ...others] = this.#session.subscriptions;
    return others.length > 0 ? undefined : only?.channel;
  }

  /** What a frame is published to. @throws {ReplyError} nothing, or the rules do not let it. */
  #target(channel: string | undefined): string {
    if (channel === undefined) {
      throw refuse('permissionDenied', 'a feed of several channels cannot publish');
    }
    const { rules, sessions } = this.#context;
    try {
      rules.check('publish', channel, this);
    } catch (error) {
      sessions.trail.publishRefused(channel, this.#session, error);
      throw error;
    }
    return channel;
  }

  #wait(publishing: Promise<unknown>): void {
    this.#publishing += 1;
    if (this.#publishing >= limits.pendingCommands) this.#session.pause(pauseReasons.busy);
    publishing.then(
      () => this.#published(),
      (error: unknown) => {
        this.#published();
        this.#end(error);
      },
    );
  }

  #published(): void {
    this.#publishing -= 1;
    if (this.#publishing < limits.pendingCommands / 2) this.#session.resume(pauseReasons.busy);
  }

  /** There is no way to answer on a feed, so what cannot be done ends it, with a code that says why. */
  #end(error: unknown): void {
    this.#session.close(this.#reason(error));
  }

  #reason(error: unknown): Disconnect {
    if (!(error instanceof ReplyError)) {
      this.#context.log.error('a publication of a feed failed', { error });
      return disconnects.connectionClosed;
    }
    if (error.status >= 500) return disconnects.connectionClosed;
    if (error.code === errorCodes.tooManyRequests.code) return disconnects.tooManyErrors;
    if (error.code === errorCodes.badRequest.code) return disconnects.badRequest;
    return refusedEnd(error);
  }
}

/** Does it now, and tells later what came of it. */
function attempt<Result>(act: () => Result): () => Result {
  try {
    const result = act();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
