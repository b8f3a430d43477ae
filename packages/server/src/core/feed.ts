/** A client that names its channels at once and wants publications only; what it sends is published to its channel. */
import {
  channelNameFault,
  type Disconnect,
  disconnects,
  errorCodes,
  limits,
  type Position,
} from '@carillon/protocol';
import { type Authenticator, anonymous, type Identity } from './access.ts';
import type { Channel } from './channel.ts';
import type { Clock } from './clock.ts';
import type { Connection, ConnectionListener } from './connection.ts';
import { cursorKey, Positions, parseCursor } from './cursor.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';
import { ReplyError, refuse, refusedEnd } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { Hub } from './hub.ts';
import type { Log } from './log.ts';
import { PublishRate } from './publish-rate.ts';
import type { Publisher } from './publisher.ts';
import type { Asker, Rules } from './rules.ts';
import { pauseReasons, Session, type SessionContext, type StartingPoint } from './session.ts';

export interface FeedContext {
  readonly node: Publisher;
  readonly rules: Rules;
  readonly authenticator: Authenticator;
  readonly hub: Hub;
  readonly sessions: SessionContext;
  readonly newSessionId: () => string;
  readonly clock: Clock;
  /** Undefined: no limit. */
  readonly publishesPerSecond: number | undefined;
  readonly hooks: Hooks;
  readonly log: Log;
}

/** Where feeds come in. */
export class FeedEntry {
  readonly #context: FeedContext;

  constructor(context: FeedContext) {
    this.#context = context;
  }

  /** Resolves when every channel is delivered to this node. @throws {ReplyError} whose status answers the request. */
  async prepare(request: FeedRequest): Promise<PreparedFeed> {
    const { rules, hub } = this.#context;
    const names = this.#checkedNames(request.channels);
    const cursor = request.cursor === undefined ? undefined : parseCursor(request.cursor);
    const identity = await this.#identify(request.token, names);
    for (const name of names) rules.check('subscribe', name, { identity, subscribed: () => false });
    const held = names.map((name) => hub.hold(name));
    const release = (): void => {
      for (const channel of held) hub.release(channel);
    };
    try {
      await Promise.all(held.map(({ ready }) => ready));
      const starts = await Promise.all(held.map((channel) => this.#start(channel, request, cursor)));
      const recovered = cursor && starts.every((start) => start?.lost === undefined);
      return {
        recovered,
        cursor: cursorOf(held, starts),
        isBehind: starts.some((start) => start !== undefined && start.offset < start.top),
        open: (connection) => this.#open(connection, identity, held, starts),
        cancel: release,
      };
    } catch (error) {
      release();
      throw error instanceof ReplyError
        ? error
        : refuse('notAvailable', 'the channel cannot be delivered now');
    }
  }

  /** The feed's own subscriptions take over from the holds. */
  #open(
    connection: Connection,
    identity: Identity,
    held: readonly Channel[],
    starts: readonly (StartingPoint | undefined)[],
  ): Feed {
    const feed = new Feed(connection, identity, this.#context);
    for (const [index, channel] of held.entries()) feed.follow(channel, starts[index]);
    for (const channel of held) this.#context.hub.release(channel);
    feed.checkBlocked();
    return feed;
  }

  /** Where the client starts; undefined in a channel without history. */
  async #start(
    { name, handed: { cuts } }: Channel,
    { from, last }: FeedRequest,
    cursor: ReadonlyMap<string, Position> | undefined,
  ): Promise<StartingPoint | undefined> {
    const { rules, sessions } = this.#context;
    if (rules.retention(name) === undefined) return undefined;
    const { epoch, top, oldest } = await sessions.broker.history(name, { limit: 0 });
    const since = cursor?.get(cursorKey(name));
    if (since === undefined) {
      const asked = from === 'oldest' ? 0 : top - (last ?? 0);
      return { epoch, top, cuts, offset: Math.max(oldest - 1, asked) };
    }
    const isSameStream = since.epoch === epoch && since.offset <= top;
    if (isSameStream && oldest <= since.offset + 1) return { epoch, top, cuts, offset: since.offset };
    const lost = { epoch, from: isSameStream ? since.offset + 1 : 1, to: oldest - 1 };
    return { epoch, top, cuts, offset: oldest - 1, lost };
  }

  #checkedNames(channels: readonly string[]): readonly string[] {
    const { channelsPerConnection } = this.#context.sessions;
    const names = [...new Set(channels)];
    if (names.length === 0) throw refuse('badRequest', "'channel' is required: /sub?channel=NAME");
    if (names.length > channelsPerConnection) {
      throw refuse('limitExceeded', `a connection may have ${channelsPerConnection} channels`);
    }
    for (const name of names) {
      const fault = channelNameFault(name);
      if (fault !== undefined) throw refuse('badRequest', `'channel' ${fault}`);
    }
    return names;
  }

  async #identify(token: string | undefined, names: readonly string[]): Promise<Identity> {
    const { authenticator, rules } = this.#context;
    // A token that has run out must not keep anybody from logging in again.
    if (names.every((name) => rules.find(name)?.isSecret === true)) return anonymous;
    if (token !== undefined) return authenticator.authenticate(token);
    if (!authenticator.admitsAnonymous) throw refuse('notAuthenticated');
    return anonymous;
  }
}

function cursorOf(held: readonly Channel[], starts: readonly (StartingPoint | undefined)[]): string {
  const positions = new Positions();
  for (const [index, { name }] of held.entries()) {
    const start = starts[index];
    if (start !== undefined) positions.set(name, start.epoch, start.offset);
  }
  return String(positions);
}

/** An open feed. */
class Feed implements ConnectionListener, Asker {
  readonly #session: Session;
  readonly #context: FeedContext;
  #publishing = 0;
  readonly #rate: PublishRate | undefined;

  constructor(connection: Connection, identity: Identity, context: FeedContext) {
    this.#session = new Session(context.newSessionId(), connection, identity, context.sessions);
    this.#context = context;
    const { clock, publishesPerSecond } = context;
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

  follow(channel: Channel, start: StartingPoint | undefined): void {
    this.#session.follow(channel, start);
  }

  /** A block may have come since the token was judged. */
  checkBlocked(): void {
    const { blocks } = this.#context.sessions;
    if (blocks.find(this.#session.identity) === undefined) return;
    // The transport has not got its listener yet.
    void Promise.resolve().then(() => this.#session.close(disconnects.invalidToken));
  }

  received(text: string): void {
    this.#publish(JSON.stringify(text));
  }

  receivedBytes(bytes: Buffer): void {
    this.#publish(`"${bytes.toString('base64')}"`, true);
  }

  drained(): void {
    this.#session.drained();
  }

  closed(): void {
    this.#session.closed();
  }

  #publish(data: string, binary?: true): void {
    const { node, rules } = this.#context;
    // A request for several channels names none to publish to.
    const [only, ...others] = this.#session.subscriptions;
    const target = others.length === 0 ? only?.channel : undefined;
    try {
      if (target === undefined) throw refuse('permissionDenied', 'a feed of several channels cannot publish');
      rules.check('publish', target, this);
      this.#rate?.use();
    } catch (error) {
      this.#end(error);
      return;
    }
    this.#publishing += 1;
    if (this.#publishing >= limits.pendingCommands) this.#session.pause(pauseReasons.busy);
    node.publish(target, data, binary && { binary }, this.#session).then(
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
