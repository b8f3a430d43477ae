/** What each command of the native protocol does. Knows nothing of the order in which commands run, or of how replies are framed. */
import { type JsonText, limits } from '@carillon/protocol';
import { type Authenticator, type Identity, isAuthenticated, type TokenAsker } from './access.ts';
import { unknownCommand } from './application.ts';
import type { Catalog } from './catalog.ts';
import type { Clock } from './clock.ts';
import {
  type CommandHandler,
  channelField,
  countField,
  dataField,
  type Fields,
  flagField,
  type Outcome,
  optionalData,
  optionalText,
  positionField,
  requiredText,
} from './command.ts';
import { refuse } from './errors.ts';
import { historyText } from './history-text.ts';
import { clientOf } from './hook-facts.ts';
import type { Hooks } from './hooks.ts';
import { PublishRate } from './publish-rate.ts';
import type { Publisher } from './publisher.ts';
import type { Joined, SubscribeRequest } from './recovery.ts';
import type { Asker, Rules } from './rules.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { SubscribeStep, Subscribing } from './subscribe-step.ts';
import type { UserRate } from './user-rates.ts';

export interface CommandsContext {
  readonly node: Publisher & Pick<Catalog, 'history'>;
  readonly rules: Rules;
  readonly authenticator: Authenticator;
  readonly sessions: Pick<SessionContext, 'channelTokens' | 'trail'>;
  readonly clock: Clock;
  /** Undefined: no limit. */
  readonly publishesPerSecond?: number;
  /** Of a user's commands, but `publish`; undefined: no limit. */
  readonly commandRate: UserRate | undefined;
  readonly hooks: Hooks;
  /** What parts of the node beside this one do, by `op`. */
  readonly handlers: ReadonlyMap<string, CommandHandler>;
  /** What they have to say about a subscribe. */
  readonly subscribeSteps: readonly SubscribeStep[];
}

const done: Outcome = { full: '{}', short: 'true' };
const pong: Outcome = { full: '"pong"', short: '"pong"' };

export class Commands implements Asker {
  readonly #session: Session;
  readonly #context: CommandsContext;
  /** Subscribes that are under way, by channel. */
  #joining: Map<string, Promise<unknown>> | undefined;
  /** Made by the first publish, where there is a limit. */
  #rate: PublishRate | undefined;

  constructor(session: Session, context: CommandsContext) {
    this.#session = session;
    this.#context = context;
  }

  get identity(): Identity {
    return this.#session.identity;
  }

  subscribed(channel: string): boolean {
    return this.#session.subscribed(channel);
  }

  granted(channel: string): boolean {
    return this.#session.granted(channel);
  }

  hooked(action: 'subscribe' | 'publish'): boolean {
    return this.#context.hooks.has(action);
  }

  /** Runs a command whose text is the object at `start` of `json`. @throws {ReplyError} when it is refused. */
  async run(op: string, fields: Fields, json: string, start: number): Promise<Outcome> {
    const { commandRate } = this.#context;
    if (commandRate !== undefined && op !== 'publish') commandRate.use(this.#session.user);
    if (op === 'ping') return pong;
    if (op === 'auth') return this.#auth(fields);
    if (!this.#isAdmitted(fields)) throw refuse('notAuthenticated');
    switch (op) {
      case 'subscribe':
        return this.#subscribe(fields, json, start);
      case 'unsubscribe':
        return this.#unsubscribe(fields);
      case 'publish':
        return this.#publish(fields, json, start);
      case 'history':
        return this.#history(fields);
      case 'refresh':
        return this.#refresh(fields);
      default:
        return this.#other(op, fields, json, start);
    }
  }

  async #other(op: string, fields: Fields, json: string, start: number): Promise<Outcome> {
    const { handlers, hooks } = this.#context;
    const request = { session: this.#session, fields, json, start };
    const handler = handlers.get(op);
    if (handler === undefined) return unknownCommand(hooks, op, request);
    if (this.#joining !== undefined && fields['channel'] !== undefined)
      await this.#joined(this.#channel(fields).channel);
    return handler(request);
  }

  #isAdmitted({ channel }: Fields): boolean {
    const { authenticator, rules } = this.#context;
    if (isAuthenticated(this.#session.identity) || authenticator.admitsAnonymous) return true;
    return typeof channel === 'string' && rules.find(channel)?.isSecret === true;
  }

  async #auth(fields: Fields): Promise<Outcome> {
    const token = requiredText(fields, 'token', limits.tokenBytes);
    const device = optionalText(fields, 'device', limits.nameBytes);
    const identity = await this.#identify(token, device);
    const { id, user } = this.#session;
    return { full: JSON.stringify({ session: id, user, ...this.#remaining(identity) }), short: 'true' };
  }

  async #refresh(fields: Fields): Promise<Outcome> {
    const identity = await this.#identify(requiredText(fields, 'token', limits.tokenBytes));
    return { full: JSON.stringify(this.#remaining(identity)), short: 'true' };
  }

  async #identify(token: string, device?: string): Promise<Identity> {
    const identity = await this.#context.authenticator.authenticate(token, this.#asker(device));
    const { user } = this.#session;
    if (user !== undefined && identity.user !== user) {
      throw refuse('permissionDenied', 'the connection belongs to another user; open a new one');
    }
    this.#session.device = device ?? this.#session.device;
    this.#session.identify(identity);
    return identity;
  }

  #asker(named: string | undefined): TokenAsker {
    const { id, identity, address, headers = {}, device } = this.#session;
    const asking = named ?? device;
    return { session: id, identity, address, headers, ...(asking !== undefined && { device: asking }) };
  }

  #remaining({ expiresAt }: Identity): { expires?: number } {
    if (expiresAt === undefined) return {};
    return { expires: Math.max(0, Math.ceil((expiresAt - this.#context.clock.now()) / 1_000)) };
  }

  async #subscribe(fields: Fields, json: string, start: number): Promise<Outcome> {
    const { channel, label } = this.#channel(fields);
    const since = positionField(fields, 'since');
    const last = countField(fields, 'last', limits.historyPage);
    if (since !== undefined && last !== undefined)
      throw refuse('badRequest', "give 'since' or 'last', not both");
    const formerSession = optionalText(fields, 'session', limits.nameBytes);
    const token = optionalText(fields, 'token', limits.tokenBytes);
    const request = {
      channel,
      label,
      ...(since !== undefined && { since }),
      ...(last !== undefined && { last }),
      ...(formerSession !== undefined && { formerSession }),
    };
    const enter = (): Promise<Joined> => this.#enter(request, fields, json, start);
    const enterBy = token === undefined ? enter : () => this.#withToken(channel, token, enter);
    const isWaiting = token !== undefined || this.hooked('subscribe');
    let joining: Promise<Joined> | undefined;
    try {
      joining = isWaiting ? this.#inTurn(channel, enterBy) : enter();
      this.#joining ??= new Map();
      this.#joining.set(channel, joining);
      const { result, begin } = await joining;
      return { full: JSON.stringify({ ...result, channel: label }), short: 'true', begin };
    } catch (error) {
      const { id, user } = this.#session;
      this.#context.sessions.trail.subscribeRefused(channel, id, user, error);
      throw error;
    } finally {
      if (joining !== undefined && this.#joining?.get(channel) === joining) this.#joining.delete(channel);
    }
  }

  /** A subscribe that came before decides first whether this one comes too late. */
  async #inTurn(channel: string, enter: () => Promise<Joined>): Promise<Joined> {
    await this.#joined(channel);
    if (this.#session.subscription(channel) !== undefined) throw refuse('alreadySubscribed');
    return enter();
  }

  /** By the rule, where there is one by the application's hook, and by what parts of the node have to say. */
  #enter(
    request: Omit<SubscribeRequest, 'retention'>,
    fields: Fields,
    json: string,
    start: number,
  ): Promise<Joined> {
    const { channel } = request;
    const rule = this.#context.rules.check('subscribe', channel, this);
    const whole = { ...request, retention: rule.retention };
    const asked = { session: this.#session, rule, fields };
    if (!this.hooked('subscribe')) return this.#join(whole, asked);
    return this.#admitted(channel, optionalData(json, start)).then(() => {
      // There may be other rules by now.
      const now = this.#context.rules.check('subscribe', channel, this);
      return this.#join({ ...whole, retention: now.retention }, { ...asked, rule: now });
    });
  }

  /** Enters with a token for this one channel, which holds for as long as the subscription does. */
  async #withToken(channel: string, token: string, enter: () => Promise<Joined>): Promise<Joined> {
    const { authenticator, sessions } = this.#context;
    const identity = await authenticator.authenticate(token, this.#asker(undefined));
    const grant = sessions.channelTokens.grant(this.#session, channel, identity);
    try {
      const joined = await enter();
      if (grant.end !== undefined) throw grant.end;
      return joined;
    } catch (error) {
      sessions.channelTokens.withdraw(grant);
      throw grant.end ?? error;
    }
  }

  /** Resolves when the application's hook lets the client subscribe, as who it is then. */
  async #admitted(channel: string, data: JsonText | undefined): Promise<void> {
    const { hooks, rules } = this.#context;
    let user: string | undefined;
    do {
      user = this.#session.user;
      const event = { ...clientOf(this.#session), channel, ...(data !== undefined && { data }) };
      await hooks.ask('subscribe', event);
      rules.check('subscribe', channel, this);
    } while (this.#session.user !== user);
  }

  /** Through what parts of the node beside this one have to say, in their order. */
  #join(request: SubscribeRequest, asked: Subscribing, step = 0): Promise<Joined> {
    const part = this.#context.subscribeSteps[step];
    if (part === undefined) return this.#session.subscribe(request);
    return part(request, asked, (next) => this.#join(next, asked, step + 1));
  }

  async #unsubscribe(fields: Fields): Promise<Outcome> {
    const { channel } = this.#channel(fields);
    await this.#joined(channel);
    this.#session.unsubscribe(channel);
    return done;
  }

  async #publish(fields: Fields, json: string, start: number): Promise<Outcome> {
    const { channel } = this.#channel(fields);
    const data = dataField(json, start);
    const idempotencyKey = optionalText(fields, 'idempotency_key', limits.idempotencyKeyBytes);
    if (this.#joining !== undefined) await this.#joined(channel);
    this.#checkPublish(channel);
    const position = await this.#context.node.publish(
      channel,
      data,
      idempotencyKey === undefined ? {} : { idempotencyKey },
      this.#session,
    );
    const { epoch, offset } = position;
    const full = offset === undefined ? '{}' : `{"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
    return { full, short: 'true' };
  }

  #checkPublish(channel: string): void {
    const { rules, sessions } = this.#context;
    try {
      rules.check('publish', channel, this);
      this.#useRate();
    } catch (error) {
      sessions.trail.publishRefused(channel, this.#session, error);
      throw error;
    }
  }

  async #history(fields: Fields): Promise<Outcome> {
    const { channel } = this.#channel(fields);
    const since = positionField(fields, 'since');
    const limit = countField(fields, 'limit', limits.historyPage);
    const reverse = flagField(fields, 'reverse');
    await this.#joined(channel);
    this.#context.rules.check('readHistory', channel, this.#session);
    // A client that does not read its answers must not make the server hold many of them.
    await this.#session.writable();
    const query = { reverse, ...(since !== undefined && { since }), ...(limit !== undefined && { limit }) };
    const text = historyText(await this.#context.node.history(channel, query), (publication) =>
      publication.exclude === undefined ? true : !this.#isExcluded(publication.exclude),
    );
    return { full: text, short: text };
  }

  #isExcluded({
    sessions,
    users,
  }: {
    readonly sessions?: readonly string[];
    readonly users?: readonly string[];
  }): boolean {
    const { id, user } = this.#session;
    return (sessions?.includes(id) ?? false) || (user !== undefined && (users?.includes(user) ?? false));
  }

  #channel(fields: Fields): { channel: string; label: string } {
    return channelField(fields, this.#session.user);
  }

  /** Waits for a subscribe of the same channel that is under way, whatever comes of it. */
  async #joined(channel: string): Promise<void> {
    await this.#joining?.get(channel)?.catch(() => undefined);
  }

  #useRate(): void {
    const { publishesPerSecond, clock } = this.#context;
    if (publishesPerSecond === undefined) return;
    this.#rate ??= new PublishRate(clock, publishesPerSecond);
    this.#rate.use();
  }
}
