/** One server process: the public verbs, and the parts of the core put together. */
import { disconnects, type JsonText, limits, type PublishResult } from '@carillon/protocol';
import { type Authenticator, type Identity, isAuthenticated } from './access.ts';
import type { Addressee } from './addressee.ts';
import { Admission } from './admission.ts';
import { callHandler } from './application.ts';
import { Arrivals } from './arrivals.ts';
import { Attendance, type Books } from './attendance.ts';
import { Blocks } from './blocks.ts';
import type { Broker, HistoryPage } from './broker.ts';
import { Canary } from './canary.ts';
import { Catalog, type ChannelInfo, type HistoryRequest } from './catalog.ts';
import { ChannelTokens } from './channel-tokens.ts';
import type { ClientLimits } from './client-limits.ts';
import type { Clock } from './clock.ts';
import type { CommandHandler } from './command.ts';
import type { Connection } from './connection.ts';
import { Conversation } from './conversation.ts';
import { Deadlines } from './deadlines.ts';
import { Deliveries, type DeliveriesContext } from './deliveries.ts';
import { DeliveryFacts } from './delivery-facts.ts';
import { drain } from './drain.ts';
import type { ConnectRequest, FeedRequest, PreparedFeed, SessionListener } from './entry.ts';
import { refuse } from './errors.ts';
import { Expiries } from './expiries.ts';
import { FeedEntry } from './feed-entry.ts';
import { type Counters, createCounters } from './figures.ts';
import type { Headcounts } from './headcount.ts';
import { type Hooks, noHooks } from './hooks.ts';
import { Hub } from './hub.ts';
import { createInboxParts, type InboxParts, type InboxPartsContext } from './inbox-parts.ts';
import { InboxSessions } from './inbox-sessions.ts';
import { Inboxes } from './inboxes.ts';
import type { Keep } from './keep.ts';
import { Lifecycle, type LifecycleSink } from './lifecycle.ts';
import type { Log } from './log.ts';
import { type Lost, matcherOf } from './loss.ts';
import type { Presence } from './presence.ts';
import { presenceCommands } from './presence-commands.ts';
import type { PublishSource } from './publisher.ts';
import { checkChannel, Publishing, type PublishRequest } from './publishing.ts';
import { createReach, type MakeRevoking, type Reach } from './reach.ts';
import { Recovery } from './recovery.ts';
import { Registry } from './registry.ts';
import type { Rules } from './rules.ts';
import type { SessionContext } from './session-context.ts';
import { createStores, type Stores } from './stores.ts';
import type { SubscribeStep } from './subscribe-step.ts';
import type { TokenGuessesOptions } from './token-guesses.ts';
import { Trail } from './trail.ts';
import { Turnstile } from './turnstile.ts';
import { UserRates, type UserRatesOptions } from './user-rates.ts';

export interface NodeOptions extends Readonly<ClientLimits> {
  readonly broker: Broker;
  readonly rules: Rules;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly log: Log;
  /** A session id that nobody can guess and no other session ever had. */
  readonly newSessionId: () => string;
  /** A session's place in the order of coming: each higher than the one before; 1, 2, 3 by default. */
  readonly newSessionOrder?: () => number;
  /** Which one this is, where several share the broker. */
  readonly worker?: number;
  /** What a lane keeps for connections that are behind, in bytes. */
  readonly laneLogBytes: number;
  /** How often one user may do what; no limits by default. */
  readonly rates?: UserRatesOptions;
  /** How many tokens one address may show in vain; absent: any number. */
  readonly guesses?: TokenGuessesOptions;
  /** How long a client that must authenticate may wait with it, in milliseconds. */
  readonly authTimeoutMs?: number;
  /** What the application decides itself; nothing by default. */
  readonly hooks?: Hooks;
  /** How long a client that is gone is waited for before that is told, in milliseconds; 5 s by default. */
  readonly graceMs?: number;
  /** Who is told of clients and channels that come and go. */
  readonly lifecycle?: readonly LifecycleSink[];
  /** Where groups, tags, cursors of inboxes and blocks outlive the process; absent: nowhere. */
  readonly keep?: Keep;
  /** In place of the stores that would be made. */
  readonly stores?: Partial<Stores>;
  /** Who shuts users and tokens out, where this process does not. */
  readonly revoking?: MakeRevoking;
  /** Who looks after inboxes, where this process does not. */
  readonly inboxParts?: typeof createInboxParts;
  /** Where account is kept of members, channels and users; in this process by default. */
  readonly books?: Books;
}

/** What there is at the moment. */
export interface NodeFigures {
  readonly sessions: number;
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  /** Members of all channels that have presence. */
  readonly presenceMembers: number;
  /** Bytes kept for connections that are behind. */
  readonly laneLogBytes: number;
  readonly counters: Counters;
}

export class Node {
  /** Sessions, users, groups and tags: for the server side, which was admitted before. */
  readonly reach: Reach;
  /** Who is in a channel: for the server side, which was admitted before. */
  readonly presence: Pick<Presence, 'list' | 'stats'>;
  readonly #broker: Broker;
  readonly #rules: Rules;
  /** Whoever judges a token asks this one: it knows who is blocked. */
  readonly authenticator: Authenticator;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #hub: Hub;
  readonly #registry: Registry<Addressee>;
  readonly #counters = createCounters();
  readonly #sessions: SessionContext;
  readonly #options: NodeOptions;
  readonly #rates: UserRates;
  readonly #clientLimits: ClientLimits = { channelsPerConnection: limits.channelsPerConnection };
  readonly #authDeadlines: Deadlines;
  readonly #feeds: FeedEntry;
  readonly #canary: Canary;
  readonly #catalog: Catalog;
  readonly #publishing: Publishing;
  readonly #attendance: Attendance;
  readonly #arrivals: Arrivals;
  readonly #hooks: Hooks;
  /** What the commands do that are no matter of a session alone, by `op`. */
  readonly #handlers = new Map<string, CommandHandler>();
  /** What they have to say about a subscribe, in the order in which they are asked. */
  readonly #subscribeSteps: SubscribeStep[] = [];
  /** Messages for users who may be away. */
  readonly inboxes: Inboxes;
  /** What became of publications; what this process remembers of them. */
  readonly deliveries: Deliveries;
  readonly deliveryFacts: DeliveryFacts;
  readonly #overdue: InboxParts['overdue'];
  readonly #load: () => Promise<void>;

  constructor(options: NodeOptions) {
    const { broker, rules, authenticator, clock, log, laneLogBytes, hooks = noHooks } = options;
    this.configure(options);
    this.#options = options;
    [this.#broker, this.#rules, this.#clock, this.#log] = [broker, rules, clock, log];
    this.#rates = new UserRates(clock, options.rates);
    const [registry, counters] = [new Registry<Addressee>(options.newSessionOrder), this.#counters];
    this.#registry = registry;
    const [trail, recovery] = [new Trail(clock), new Recovery({ broker, counters, log })];
    const reread = recovery.reread.bind(recovery);
    const hub = new Hub({ broker, clock, registry, counters, laneLogBytes, reread, trail });
    this.#hub = hub;
    const expiries = new Expiries(clock);
    const blocks = new Blocks(clock, expiries);
    const channelTokens = new ChannelTokens(expiries, blocks);
    const stores = { ...createStores(options.keep, clock, counters), ...options.stores };
    const { load, inboxes: store, ...kept } = stores;
    this.authenticator = new Admission(authenticator, blocks, clock, options.guesses);
    this.reach = createReach({
      registry,
      hub,
      rules,
      authenticator: this.authenticator,
      clock,
      blocks,
      channelTokens,
      log,
      ...kept,
      revoking: options.revoking,
    });
    this.#canary = new Canary(broker, hub, options.worker);
    this.#catalog = new Catalog({ broker, rules, hub });
    this.#hooks = hooks;
    this.#arrivals = new Arrivals({ hooks, authenticator: this.authenticator, blocks, log });
    this.#handlers.set('call', callHandler(hooks));
    const lifecycle = new Lifecycle(options.lifecycle ?? []);
    const inboxContext = { clock, rules, broker, store, lifecycle, counters, log, trail };
    const { inboxes, overdue } = this.#makeInboxes(inboxContext);
    [this.inboxes, this.#overdue, this.#load] = [inboxes, overdue, load];
    const [rate, room] = [this.#rates.publishes, hub.room.bind(hub)];
    this.#publishing = new Publishing({ broker, rules, hooks, clock, overdue, rate, room, trail });
    const attended = { hub, registry, rules, lifecycle, counters, clock };
    this.#attendance = new Attendance({ ...attended, graceMs: options.graceMs, books: options.books });
    this.presence = this.#attendance.presence;
    for (const [op, handler] of presenceCommands(this.presence, rules)) this.#handlers.set(op, handler);
    this.#sessions = {
      hub,
      recovery,
      registry,
      expiries,
      counters,
      clientLimits: this.#clientLimits,
      lifecycle,
      blocks,
      channelTokens,
      attendance: this.#attendance,
      trail,
    };
    this.deliveryFacts = new DeliveryFacts(trail, registry, options.worker ?? 0);
    this.deliveries = this.#makeDeliveries(store);
    this.#authDeadlines = new Deadlines(clock, options.authTimeoutMs ?? limits.authTimeoutMs);
    this.#feeds = this.#feedEntry();
  }

  /** Other limits: of channels from now on, of publications for connections that come from now on. */
  configure({ channelsPerConnection, publishesPerSecond }: ClientLimits): void {
    this.#clientLimits.channelsPerConnection = channelsPerConnection;
    this.#clientLimits.publishesPerSecond = publishesPerSecond;
  }

  async start(): Promise<void> {
    await this.#broker.start(this.#canary);
    await this.#load();
    await this.reach.revocation.start();
    // Nobody has to wait for it.
    void this.#overdue.resume();
  }

  /** Resolves when a publication through the broker came back. */
  probe(): Promise<void> {
    return this.#canary.sing();
  }

  /** As {@link Publishing.publish}: for who was allowed to, without a `source` for the server itself. */
  publish(
    channel: string,
    data: JsonText,
    request?: PublishRequest,
    source?: PublishSource,
  ): Promise<PublishResult> {
    return this.#publishing.publish(channel, data, request, source);
  }

  /** As {@link Catalog.history}. */
  history(channel: string, request: HistoryRequest): Promise<HistoryPage> {
    return this.#catalog.history(channel, request);
  }

  /** As {@link Catalog.removeHistory}. */
  removeHistory(channel: string): Promise<void> {
    return this.#catalog.removeHistory(channel);
  }

  /** As {@link Catalog.channels}. */
  channels(...query: Parameters<Catalog['channels']>): Promise<readonly ChannelInfo[]> {
    return this.#catalog.channels(...query);
  }

  /**
   * Tells the subscribers of these channels that publications may be missing which never reached this node: a `gap` without
   * numbers, or close 3010 where the connection has no words for it. Returns how many subscriptions were told.
   */
  tellLoss(lost: Lost): number {
    return this.#hub.tellLoss(matcherOf(lost));
  }

  /** How many sessions of this node are subscribed to which channels. */
  get headcounts(): Headcounts {
    return this.#catalog.headcounts;
  }

  /** How many sessions of this node are subscribed. */
  subscribers(channel: string): number {
    return this.#hub.subscribers(channel);
  }

  /** Whether a client that has no session may publish. @throws {ReplyError} 1, 102 or 103 when not, 107 a bad name. */
  mayPublish(identity: Identity, channel: string): void {
    checkChannel(channel);
    if (!isAuthenticated(identity) && !this.authenticator.admitsAnonymous) throw refuse('notAuthenticated');
    try {
      this.#rules.check('publish', channel, {
        identity,
        subscribed: () => false,
        hooked: (action) => action === 'publish' && this.#hooks.has('publish'),
      });
    } catch (error) {
      this.#sessions.trail.publishRefused(channel, { identity }, error);
      throw error;
    }
  }

  /** Has a client judged before anything is answered. @throws {ReplyError} the application, or who judges its token, refuses. */
  async admit(request: ConnectRequest): Promise<ConnectRequest> {
    const session = this.#options.newSessionId();
    const identity = await this.#arrivals.admit(session, request);
    return { ...request, admitted: { session, ...(identity !== undefined && { identity }) } };
  }

  /** Takes a connection that speaks the native protocol. */
  accept(connection: Connection, request: ConnectRequest): SessionListener {
    const { publishesPerSecond } = this.#clientLimits;
    const session = request.admitted?.session ?? this.#options.newSessionId();
    return new Conversation(session, connection, request, {
      node: this,
      rules: this.#rules,
      authenticator: this.authenticator,
      sessions: this.#sessions,
      arrivals: this.#arrivals,
      authDeadlines: this.#authDeadlines,
      clock: this.#clock,
      log: this.#log,
      hooks: this.#hooks,
      handlers: this.#handlers,
      subscribeSteps: this.#subscribeSteps,
      commandRate: this.#rates.commands,
      ...(publishesPerSecond !== undefined && { publishesPerSecond }),
    });
  }

  /** Prepares a feed: a client that wants publications only. */
  prepareFeed(request: FeedRequest): Promise<PreparedFeed> {
    return this.#feeds.prepare(request);
  }

  /** As in {@link Node.figures}, which costs more. */
  get counters(): Counters {
    return this.#counters;
  }

  figures(): NodeFigures {
    let subscriptions = 0;
    for (const name of this.#hub.channelNames()) subscriptions += this.#hub.subscribers(name);
    return {
      sessions: this.#registry.sessionCount,
      users: this.#registry.userCount,
      channels: this.#hub.channelCount,
      subscriptions,
      presenceMembers: this.#attendance.members,
      laneLogBytes: this.#hub.laneLogBytes,
      counters: this.#counters,
    };
  }

  /** As {@link drain}: before the listeners' connections are closed. */
  drain(windowMs: number): Promise<void> {
    return drain({ registry: this.#registry, clock: this.#clock }, windowMs);
  }

  /** Ends every session (3001). */
  endSessions(): void {
    for (const session of [...this.#registry.all()]) session.close(disconnects.shutdown);
  }

  /** Ends every session (3001), then the broker. */
  async close(): Promise<void> {
    this.endSessions();
    this.#overdue.close();
    await this.#broker.close();
  }

  #makeInboxes(context: InboxPartsContext): { readonly inboxes: Inboxes } & Pick<InboxParts, 'overdue'> {
    const { rules, broker, store } = context;
    const { inboxParts = createInboxParts } = this.#options;
    const { acknowledging, overdue } = inboxParts(context, new InboxSessions(this.#registry));
    const inboxes = new Inboxes({ rules, broker, store, acknowledging, catalog: this.#catalog });
    this.#handlers.set('ack', inboxes.ack.bind(inboxes));
    this.#subscribeSteps.push(inboxes.subscribe.bind(inboxes));
    return { inboxes, overdue };
  }

  #makeDeliveries(store: Stores['inboxes']): Deliveries {
    const ask: DeliveriesContext['ask'] = async (question) => [this.deliveryFacts.facts(question)];
    const { authenticator } = this;
    return new Deliveries({ broker: this.#broker, rules: this.#rules, authenticator, store, ask });
  }

  #feedEntry(): FeedEntry {
    const { newSessionId } = this.#options;
    return new FeedEntry({
      node: this,
      rules: this.#rules,
      arrivals: this.#arrivals,
      authenticator: this.authenticator,
      broker: this.#broker,
      hub: this.#hub,
      sessions: this.#sessions,
      newSessionId,
      clock: this.#clock,
      hooks: this.#hooks,
      messages: new Turnstile('messages'),
      log: this.#log,
    });
  }
}
