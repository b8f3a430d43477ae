/** The way of a publication from the door to the broker: name, hook, schema, and what the channel keeps. */
import {
  channelNameFault,
  type JsonText,
  limits,
  type Position,
  type PublishResult,
  utf8Length,
} from '@carillon/protocol';
import type { Broker, EarlierAnswer, Exclusion, PublishOptions } from './broker.ts';
import type { Clock } from './clock.ts';
import { refuse } from './errors.ts';
import { checkAnswered, factsOf } from './hook-facts.ts';
import type { HookEvents, Hooks } from './hooks.ts';
import type { Overdue } from './overdue.ts';
import type { Publisher, PublishSource } from './publisher.ts';
import type { Rule, Rules } from './rules.ts';
import { checkSchema } from './schema-check.ts';
import type { Trail } from './trail.ts';
import { Turnstile } from './turnstile.ts';
import type { UserRate } from './user-rates.ts';

export interface PublishRequest {
  readonly exclude?: Exclusion;
  readonly idempotencyKey?: string;
  readonly binary?: true;
}

export interface PublishingContext {
  readonly broker: Pick<Broker, 'publish' | 'answered'>;
  readonly rules: Rules;
  readonly hooks: Hooks;
  readonly clock: Clock;
  readonly overdue: Pick<Overdue, 'published'>;
  /** Of clients' publications; undefined: no limit. */
  readonly rate: UserRate | undefined;
  /** Resolves when what was published before has left far enough; undefined where it has. */
  readonly room: () => Promise<void> | undefined;
  readonly trail: Trail;
}

interface Publication {
  readonly data: JsonText;
  readonly request: PublishRequest;
}

/** What is handed to the broker, or what the same key was answered before. */
type Judged = Publication | EarlierAnswer;

/** Where a publication comes from that the hook may judge. */
type JudgedSource = Exclude<PublishSource, 'hook'>;

export class Publishing implements Publisher {
  readonly #context: PublishingContext;
  readonly #turnstile = new Turnstile('publications');
  /** What is under way with an idempotency key and a hook, by channel and key: a repeat shares the answer. */
  readonly #keyed = new Map<string, Promise<Position | undefined>>();

  constructor(context: PublishingContext) {
    this.#context = context;
  }

  /** Who publishes was allowed to. @throws {ReplyError} 107 a bad name or key, or data that does not fit the channel's schema; 108 the broker refuses, hook or schema is late, or too much waits; 111 the user publishes too fast; the hook's own refusal. */
  async publish(
    channel: string,
    data: JsonText,
    request: PublishRequest = {},
    source?: PublishSource,
  ): Promise<PublishResult> {
    checkChannel(channel);
    checkKey(request);
    const { rules, overdue, room, trail } = this.#context;
    const rule = rules.find(channel);
    const at = trail.stamp();
    let position: Position | undefined;
    try {
      position = await this.#take(channel, data, request, rule, source);
    } catch (error) {
      trail.publishRefused(channel, source, error);
      throw error;
    }
    trail.wasPublished(at, channel, source, position, request.idempotencyKey !== undefined);
    if (rule?.inbox?.overdueMs !== undefined) overdue.published(channel, rule.inbox.overdueMs);
    const left = room();
    if (left !== undefined) await left;
    return position ?? {};
  }

  #take(
    channel: string,
    data: JsonText,
    request: PublishRequest,
    rule: Rule | undefined,
    source: PublishSource | undefined,
  ): Promise<Position | undefined> {
    const { hooks, rate } = this.#context;
    if (rate !== undefined && typeof source === 'object') rate.use(source.identity.user);
    const judge = source === 'hook' ? undefined : source;
    return judge !== undefined && hooks.has('publish')
      ? this.#asked(channel, data, request, rule, judge)
      : this.#unasked(channel, data, request, rule, judge);
  }

  #unasked(
    channel: string,
    data: JsonText,
    request: PublishRequest,
    rule: Rule | undefined,
    source: JudgedSource | undefined,
  ): Promise<Position | undefined> {
    const schema = rule?.schema;
    // A hook may wait for what it publishes itself, and that must not wait for what the hook is asked about.
    const line = source === undefined ? `${channel} of the server` : channel;
    const isBinary = request.binary === true;
    const checked =
      schema === undefined ? undefined : checkSchema(schema, data, isBinary, this.#context.clock);
    // What is known at once costs no turn, and whoever publishes next stays next.
    if (checked === undefined && !this.#turnstile.isBusy(line)) {
      return this.#append(channel, data, request, rule);
    }
    // Where there is no room for it, nobody waits for its end.
    checked?.catch(() => undefined);
    return this.#turnstile.pass(
      line,
      data.length,
      () => checked ?? Promise.resolve(),
      () => this.#append(channel, data, request, this.#context.rules.find(channel)),
    );
  }

  #asked(
    channel: string,
    data: JsonText,
    request: PublishRequest,
    rule: Rule | undefined,
    source: JudgedSource,
  ): Promise<Position | undefined> {
    const { idempotencyKey } = request;
    const name = idempotencyKey === undefined ? undefined : `${channel} ${idempotencyKey}`;
    const first = name === undefined ? undefined : this.#keyed.get(name);
    if (first !== undefined) return first;
    const published = this.#turnstile.pass(
      channel,
      data.length,
      () => this.#judge(channel, data, request, rule, source),
      (judged) =>
        'data' in judged
          ? this.#append(channel, judged.data, judged.request, this.#context.rules.find(channel))
          : Promise.resolve(judged.position),
    );
    if (name === undefined) return published;
    const shared = published.finally(() => this.#keyed.delete(name));
    this.#keyed.set(name, shared);
    return shared;
  }

  /** What the hook, then the schema make of it. */
  async #judge(
    channel: string,
    data: JsonText,
    request: PublishRequest,
    rule: Rule | undefined,
    source: JudgedSource,
  ): Promise<Judged> {
    const { broker, hooks, clock } = this.#context;
    const { idempotencyKey, binary } = request;
    if (idempotencyKey !== undefined) {
      const earlier = await broker.answered(channel, idempotencyKey);
      if (earlier !== undefined) return { position: earlier.position };
    }
    const answer = await hooks.ask('publish', eventOf(channel, data, binary, source));
    const judged = answer === undefined ? { data, request } : rewritten(answer.data, request);
    if (rule?.schema !== undefined) {
      await checkSchema(rule.schema, judged.data, judged.request.binary === true, clock);
    }
    return judged;
  }

  #append(
    channel: string,
    data: JsonText,
    request: PublishRequest,
    rule: Rule | undefined,
  ): Promise<Position | undefined> {
    const retention = rule?.retention;
    const options: PublishOptions = { ...request, ...(retention && { retention }) };
    return this.#context.broker.publish(channel, data, options);
  }
}

/** @throws {ReplyError} 107 a name that no channel can have. */
export function checkChannel(channel: string): void {
  const fault = channelNameFault(channel);
  if (fault !== undefined) throw refuse('badRequest', `'channel' ${fault}`);
}

function checkKey({ idempotencyKey }: PublishRequest): void {
  if (idempotencyKey === undefined || utf8Length(idempotencyKey) <= limits.idempotencyKeyBytes) return;
  throw refuse('badRequest', `'idempotency_key' must not be longer than ${limits.idempotencyKeyBytes} bytes`);
}

function eventOf(
  channel: string,
  data: JsonText,
  binary: true | undefined,
  source: JudgedSource,
): HookEvents['publish'] {
  const published = { channel, data, ...(binary && { binary }) };
  if (typeof source === 'string') return { ...published, source };
  const { id, identity } = source;
  return { ...(id !== undefined && { session: id }), ...factsOf(identity), ...published, source: 'client' };
}

/** What was bytes is JSON now. */
function rewritten(data: JsonText, { binary: _binary, ...request }: PublishRequest): Publication {
  return { data: checkAnswered('publish', data), request };
}
