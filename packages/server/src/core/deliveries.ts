/** Explains what became of a publication for a user: asks every process what it remembers, and puts it together. */
import { limits, type Position } from '@carillon/protocol';
import type { Authenticator } from './access.ts';
import type { Broker } from './broker.ts';
import type { DeliveryQuestion, ProcessFacts, Recipient } from './delivery-facts.ts';
import { type Circumstances, type DeliveryReport, deliveryReport } from './delivery-report.ts';
import { refuse } from './errors.ts';
import { explain } from './explain.ts';
import { findInbox } from './inbox.ts';
import type { InboxStore } from './inbox-store.ts';
import type { Rules } from './rules.ts';

export interface DeliveryRequest {
  readonly channel: string;
  readonly to: Recipient;
  /** Absent: the newest publication. */
  readonly offset?: number;
  /** Of that offset; absent: the channel's own. */
  readonly epoch?: string;
}

/** Asks all processes that know something. */
export type AskDeliveries = (question: DeliveryQuestion) => Promise<readonly ProcessFacts[]>;

export interface DeliveriesContext {
  readonly broker: Pick<Broker, 'history'>;
  readonly rules: Rules;
  readonly authenticator: Pick<Authenticator, 'admitsAnonymous'>;
  readonly store: Pick<InboxStore, 'read'>;
  readonly ask: AskDeliveries;
}

export class Deliveries {
  readonly #context: DeliveriesContext;

  constructor(context: DeliveriesContext) {
    this.#context = context;
  }

  /** The same, asking others. */
  of(ask: AskDeliveries): Deliveries {
    return new Deliveries({ ...this.#context, ask });
  }

  /** @throws {ReplyError} 108 an offset of a channel that has none; or a process does not answer. */
  async explain({ channel, to, offset, epoch }: DeliveryRequest): Promise<DeliveryReport> {
    const { broker, rules, ask } = this.#context;
    const isKept = rules.retention(channel) !== undefined;
    if (!isKept && offset !== undefined && epoch === undefined) {
      throw refuse(
        'notAvailable',
        "the channel keeps no history, so nothing in it has an offset; leave 'offset' out for its newest publication",
      );
    }
    const page = isKept ? await broker.history(channel, { limit: 0 }) : undefined;
    const position = positionOf(page, offset, epoch);
    const kept =
      page === undefined || position === undefined
        ? undefined
        : await this.#kept(channel, page.epoch, position);
    const exclude = kept?.exclude;
    const question = { channel, to, ...(position && { position }), ...(exclude && { exclude }) };
    const facts = await ask(question);
    const handedAt = facts.flatMap(({ handed }) => handed).map(({ at }) => at);
    const publishedAt = handedAt.length > 0 ? Math.min(...handedAt) : kept?.at;
    return deliveryReport({
      question,
      facts,
      ...(offset !== undefined && { asked: offset }),
      ...(page !== undefined && { page }),
      ...(kept !== undefined && { kept }),
      ...(publishedAt !== undefined && { publishedAt }),
      ...(await this.#inbox(question, facts)),
      rule: this.#rule(channel, to, facts),
    });
  }

  /** The publication as history has it. */
  async #kept(
    channel: string,
    epoch: string,
    position: Position,
  ): Promise<{ at?: number; exclude?: NonNullable<DeliveryQuestion['exclude']> } | undefined> {
    if (position.epoch !== epoch) return undefined;
    const query = { sinceOffset: position.offset - 1, limit: 1 };
    const [found] = (await this.#context.broker.history(channel, query)).publications;
    return found?.offset === position.offset ? found : undefined;
  }

  async #inbox(
    { channel, to, position }: DeliveryQuestion,
    facts: readonly ProcessFacts[],
  ): Promise<Pick<Circumstances, 'inbox' | 'acknowledgements'>> {
    const { rules, store } = this.#context;
    const inbox = findInbox(rules, channel);
    const user = userOf(to, facts);
    if (inbox === undefined || inbox.user !== user || position === undefined) return { acknowledgements: [] };
    const { furthest, devices } = await store.read(channel);
    const traces = facts
      .flatMap(({ acknowledged }) => acknowledged)
      .toSorted((a, b) => a.at - b.at)
      .slice(0, limits.explainedTraces);
    const covers = (cursor: Position | undefined): boolean =>
      cursor !== undefined && cursor.epoch === position.epoch && cursor.offset >= position.offset;
    const acknowledgements = devices
      .filter(({ acknowledged }) => covers(acknowledged))
      .map(({ device }) => {
        const at = traces.find((trace) => trace.device === device || trace.device === '')?.at;
        return { device, ...(at !== undefined && { at }) };
      })
      .toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
    if (acknowledgements.length === 0 && covers(furthest)) {
      return {
        inbox,
        acknowledgements: [{ device: traces[0]?.device ?? '', ...(traces[0] && { at: traces[0].at }) }],
      };
    }
    return { inbox, acknowledgements };
  }

  #rule(channel: string, to: Recipient, facts: readonly ProcessFacts[]): Circumstances['rule'] {
    const { rules, authenticator } = this.#context;
    const user = userOf(to, facts);
    const { admitsAnonymous } = authenticator;
    const { rule, verdicts } = explain(rules.all, {
      channel,
      ...(user !== undefined && { user }),
      admitsAnonymous,
    });
    const [subscribe] = verdicts;
    const { allowed = false, why = '' } = subscribe ?? {};
    // Its token is not known here.
    const isByToken = rules.find(channel)?.subscribe === 'token';
    if (isByToken)
      return { allowed: 'hook', why: `the rule '${rule}' lets those whose token lists the channel` };
    return { allowed, why: rule === undefined ? why : `by the rule '${rule}' ${why}` };
  }
}

/** Where a channel keeps nothing, or nothing was published, there is none. */
function positionOf(
  page: { readonly epoch: string; readonly top: number } | undefined,
  offset: number | undefined,
  epoch: string | undefined,
): Position | undefined {
  if (offset !== undefined) return { epoch: epoch ?? page?.epoch ?? '', offset };
  return page === undefined || page.top === 0 ? undefined : { epoch: page.epoch, offset: page.top };
}

/** The user of a session is what processes say. */
function userOf(to: Recipient, facts: readonly ProcessFacts[]): string | undefined {
  if ('user' in to) return to.user;
  return facts.flatMap(({ stories }) => stories).find(({ user }) => user !== undefined)?.user;
}
