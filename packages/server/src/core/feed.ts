/** A client that names its channels at once and wants publications only; what it sends is published to its channel. */
import { channelNameFault, type Disconnect, disconnects, limits } from '@carillon/protocol';
import { type Authenticator, anonymous, type Identity } from './access.ts';
import type { Channel } from './channel.ts';
import type { Connection, ConnectionListener } from './connection.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';
import { ReplyError, refuse } from './errors.ts';
import type { Hub } from './hub.ts';
import type { Log } from './log.ts';
import type { Publisher } from './publisher.ts';
import type { Rules } from './rules.ts';
import { pauseReasons, Session, type SessionContext } from './session.ts';

export interface FeedContext {
  readonly node: Publisher;
  readonly rules: Rules;
  readonly authenticator: Authenticator;
  readonly hub: Hub;
  readonly sessions: SessionContext;
  readonly newSessionId: () => string;
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
    const identity = await this.#identify(request.token);
    for (const name of names) rules.check('subscribe', name, { identity, subscribed: () => false });
    const held = names.map((name) => hub.hold(name));
    const release = (): void => {
      for (const channel of held) hub.release(channel);
    };
    try {
      await Promise.all(held.map(({ ready }) => ready));
    } catch (error) {
      release();
      throw error instanceof ReplyError
        ? error
        : refuse('notAvailable', 'the channel cannot be delivered now');
    }
    return {
      open: (connection) => {
        const feed = new Feed(connection, identity, held, this.#context);
        release();
        return feed;
      },
      cancel: release,
    };
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

  async #identify(token: string | undefined): Promise<Identity> {
    const { authenticator } = this.#context;
    if (token !== undefined) return authenticator.authenticate(token);
    if (!authenticator.admitsAnonymous) throw refuse('notAuthenticated');
    return anonymous;
  }
}

/** An open feed. */
class Feed implements ConnectionListener {
  readonly #session: Session;
  readonly #context: FeedContext;
  /** Where what the client sends goes; undefined where the request named several channels. */
  readonly #target: string | undefined;
  #publishing = 0;

  constructor(
    connection: Connection,
    identity: Identity,
    channels: readonly Channel[],
    context: FeedContext,
  ) {
    this.#session = new Session(context.newSessionId(), connection, identity, context.sessions);
    this.#context = context;
    this.#target = channels.length === 1 ? channels[0]?.name : undefined;
    for (const channel of channels) this.#session.listen(channel);
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
    try {
      if (this.#target === undefined)
        throw refuse('permissionDenied', 'a feed of several channels cannot publish');
      rules.check('publish', this.#target, this.#session);
    } catch (error) {
      this.#end(error);
      return;
    }
    this.#publishing += 1;
    if (this.#publishing >= limits.pendingCommands) this.#session.pause(pauseReasons.busy);
    node.publish(this.#target, data, binary && { binary }).then(
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
    return error.status === 503 ? disconnects.connectionClosed : disconnects.permissionDenied;
  }
}
