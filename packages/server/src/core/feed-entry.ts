/** Where feeds come in: who asks and for what is judged, and every channel is delivered, before anything is answered. */
import { channelNameFault, type Position } from '@carillon/protocol';
import { type Authenticator, anonymous, type Identity } from './access.ts';
import { type Arrivals, askerOf } from './arrivals.ts';
import type { Broker } from './broker.ts';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import { cursorKey, Positions, parseCursor } from './cursor.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';
import { ReplyError, refuse } from './errors.ts';
import { Feed, type FeedClient, type FeedContext } from './feed.ts';
import { clientOf } from './hook-facts.ts';
import type { Hub } from './hub.ts';
import type { StartingPoint } from './session-context.ts';

export interface FeedEntryContext extends FeedContext {
  readonly arrivals: Arrivals;
  readonly authenticator: Authenticator;
  readonly broker: Pick<Broker, 'history'>;
  readonly hub: Hub;
  readonly newSessionId: () => string;
}

export class FeedEntry {
  readonly #context: FeedEntryContext;

  constructor(context: FeedEntryContext) {
    this.#context = context;
  }

  /** Resolves when every channel is delivered to this node. @throws {ReplyError} whose status answers the request. */
  async prepare(request: FeedRequest): Promise<PreparedFeed> {
    const { hub, hooks, newSessionId } = this.#context;
    const names = this.#checkedNames(request.channels);
    const cursor = request.cursor === undefined ? undefined : parseCursor(request.cursor);
    const id = newSessionId();
    const { address, isPoll } = request;
    const identity = await this.#identify(id, request, names);
    const client = { id, identity, address, ...(isPoll && { isPoll }) };
    const check = (): void => {
      for (const name of names) this.#check(name, client);
    };
    check();
    if (hooks.has('subscribe')) {
      const facts = clientOf(client);
      const refused = (channel: string) => (error: unknown) => this.#refuse(channel, client, error);
      await Promise.all(
        names.map((channel) => hooks.ask('subscribe', { ...facts, channel }).catch(refused(channel))),
      );
    }
    const held = names.map((name) => hub.hold(name));
    const release = (): void => {
      for (const channel of held) hub.release(channel);
    };
    try {
      await Promise.all(held.map(({ ready }) => ready));
      const starts = await Promise.all(held.map((channel) => this.#start(channel, request, cursor)));
      // There may be other rules by now.
      check();
      const recovered = cursor && starts.every((start) => start?.lost === undefined);
      return {
        recovered,
        cursor: cursorOf(held, starts),
        isBehind: starts.some((start) => start !== undefined && start.offset < start.top),
        open: (connection) => this.#open(connection, client, held, starts),
        cancel: release,
      };
    } catch (error) {
      release();
      throw error instanceof ReplyError
        ? error
        : refuse('notAvailable', 'the channel cannot be delivered now');
    }
  }

  #check(channel: string, client: FeedClient): void {
    const { rules, hooks } = this.#context;
    const { identity } = client;
    try {
      rules.check('subscribe', channel, {
        identity,
        subscribed: () => false,
        hooked: hooks.has.bind(hooks),
      });
    } catch (error) {
      this.#refuse(channel, client, error);
    }
  }

  #refuse(channel: string, { id, identity }: FeedClient, error: unknown): never {
    this.#context.sessions.trail.subscribeRefused(channel, id, identity.user, error);
    throw error;
  }

  /** The feed's own subscriptions take over from the holds. */
  #open(
    connection: Connection,
    client: FeedClient,
    held: readonly Channel[],
    starts: readonly (StartingPoint | undefined)[],
  ): Feed {
    const feed = new Feed(connection, client, this.#context);
    feed.follow(held.map((channel, index) => ({ channel, start: starts[index] })));
    for (const channel of held) this.#context.hub.release(channel);
    feed.begin(client);
    return feed;
  }

  /** Where the client starts; undefined in a channel without history. */
  async #start(
    { name, handed: { cuts } }: Channel,
    { from, last }: FeedRequest,
    cursor: ReadonlyMap<string, Position> | undefined,
  ): Promise<StartingPoint | undefined> {
    const { broker, rules } = this.#context;
    const since = cursor?.get(cursorKey(name));
    const isKept = rules.retention(name) !== undefined;
    if (!isKept && since === undefined) return undefined;
    const { epoch, top, oldest } = await broker.history(name, { limit: 0 });
    // It kept some when the cursor was made. Nobody knows what came since, unless it went on counting.
    if (!isKept && since?.epoch !== epoch) return { epoch: '', offset: 0, top: 0, cuts, lost: {} };
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
    const { channelsPerConnection } = this.#context.sessions.clientLimits;
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

  async #identify(id: string, request: FeedRequest, names: readonly string[]): Promise<Identity> {
    const { arrivals, authenticator, rules, sessions } = this.#context;
    const known = arrivals.areAsked ? await arrivals.ask(id, request) : undefined;
    if (known !== undefined) {
      sessions.blocks.check(known);
      return known;
    }
    const { token } = request;
    // A token that has run out must not keep anybody from logging in again.
    if (names.every((name) => rules.find(name)?.isSecret === true)) return anonymous;
    if (token !== undefined) return authenticator.authenticate(token, askerOf(id, request));
    if (!authenticator.admitsAnonymous) throw refuse('notAuthenticated');
    return anonymous;
  }
}

function cursorOf(held: readonly Channel[], starts: readonly (StartingPoint | undefined)[]): string {
  const positions = new Positions();
  for (const [index, { name }] of held.entries()) {
    const start = starts[index];
    if (start !== undefined && start.epoch !== '') positions.set(name, start.epoch, start.offset);
  }
  return String(positions);
}
