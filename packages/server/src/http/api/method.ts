/** What one method of the server API is: its name, its shapes, and what it does. */
import { compactSlice, type JsonText, memberSlice, type PublishResult } from '@carillon/protocol';
import type { z } from 'zod';
import type { HistoryPage } from '../../core/broker.ts';
import type { ChannelInfo, HistoryRequest } from '../../core/catalog.ts';
import type { Deliveries } from '../../core/deliveries.ts';
import type { Inboxes } from '../../core/inboxes.ts';
import type { Presence } from '../../core/presence.ts';
import type { PublishSource } from '../../core/publisher.ts';
import type { PublishRequest } from '../../core/publishing.ts';
import type { ReachVerbs } from '../../core/reach.ts';
import type { RendezvousDesk } from '../../core/rendezvous.ts';
import type { Grant } from './grant.ts';
import type { MethodDocs } from './method-docs.ts';
import { check, type Fault } from './validate.ts';

/** What the methods ask of the node. Each rejects with a ReplyError where it refuses. */
export interface Verbs {
  publish(
    channel: string,
    data: JsonText,
    options: PublishRequest,
    source: PublishSource,
  ): Promise<PublishResult>;
  history(channel: string, query: HistoryRequest): Promise<HistoryPage>;
  removeHistory(channel: string): Promise<void>;
  /** `within`: names and patterns of which one must match, too. */
  channels(pattern?: string, within?: readonly string[]): Promise<readonly ChannelInfo[]>;
  /** Sessions that are subscribed to the channel. */
  subscribers(channel: string): number | Promise<number>;
  /** Clients that are connected now, and what is kept about them. */
  readonly reach: ReachVerbs;
  /** Who is in a channel. */
  readonly presence: Pick<Presence, 'list' | 'stats'>;
  /** Messages for users who may be away. */
  readonly inboxes: Pick<Inboxes, 'named' | 'unread' | 'report' | 'list' | 'acknowledge' | 'forget'>;
  /** What became of publications. */
  readonly deliveries: Pick<Deliveries, 'explain'>;
  /** What `info` answers; any object that JSON can carry. */
  info(): object | Promise<object>;
  /** Absent where rendezvous are off. */
  readonly rendezvous?: Pick<RendezvousDesk, 'scan' | 'confirm' | 'cancel' | 'state'>;
  readonly webhooks?: WebhookVerbs;
  /** Loads the config again; the answer of `reload`. */
  reload?(): Promise<object>;
}

export interface WebhookVerbs {
  /** The state of each as the JSON text of the answer, with at most so many dead letters. */
  report(deadLetters: number): JsonText | Promise<JsonText>;
  retry(asked: { readonly webhook?: number; readonly ids?: readonly string[] }): object | Promise<object>;
}

/** Where the parameters stand in the request, for the parts that are passed on as they were written. */
export interface RawParams {
  readonly json: JsonText;
  /** Where the object of the parameters begins. */
  readonly start: number;
}

/** A request that was found good and can be carried out; it resolves with the JSON text of the result. */
export type Prepared = () => Promise<JsonText>;

export interface MethodDefinition<Params> {
  readonly name: string;
  /** One sentence, for the index and /openapi.json. */
  readonly summary: string;
  /** The rest of what its page says: docs/api/<name>.md. */
  readonly docs: MethodDocs;
  /** Each field has a description: meaning, unit, default, limit. */
  readonly params: z.ZodType<Params>;
  readonly result: z.ZodType;
  /**
   * A quick look that may take the commonest shape without asking the schema. It must admit nothing that the schema
   * refuses; what it does not admit goes to the schema.
   */
  readonly admits?: (input: unknown) => input is Params;
  run(params: Params, raw: RawParams, verbs: Verbs): Promise<JsonText>;
}

/** A method whose parameters' type is its own affair, so that all fit one table. */
export interface ApiMethod {
  readonly name: string;
  readonly summary: string;
  readonly docs: MethodDocs;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  /**
   * Checks the whole request before anything of it takes effect. `grant`: what the API key may do; absent, everything.
   * @throws {ReplyError} 103 the key may not do this.
   */
  prepare(input: unknown, raw: RawParams, verbs: Verbs, grant?: Grant): Prepared | readonly Fault[];
}

export function defineMethod<Params>(definition: MethodDefinition<Params>): ApiMethod {
  const { name, summary, docs, params, result, admits } = definition;
  return {
    name,
    summary,
    docs,
    params,
    result,
    prepare(input, raw, verbs) {
      if (admits?.(input)) return () => definition.run(input, raw, verbs);
      const { value, faults } = check(params, input);
      return faults === undefined ? () => definition.run(value, raw, verbs) : faults;
    },
  };
}

/** A field of the parameters as it was written, without the white space outside strings; they were found to have it. */
export function memberText({ json, start }: RawParams, name: string): JsonText {
  const slice = memberSlice(json, name, start);
  return slice === undefined ? 'null' : compactSlice(json, slice);
}
