/** All webhooks of a server: makes each event once and hands it to those that want it. */
import type { JsonText } from '@carillon/protocol';
import { isoTime, limits } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from '../core/lifecycle.ts';
import { reportText } from './report.ts';
import { Webhook, type WebhookFigures, type WebhookOptions, type WebhookParts } from './webhook.ts';

export interface RetryRequest {
  /** The place in the list that {@link Webhooks.report} gives; absent: all of them. */
  readonly webhook?: number;
  /** Dead letters; absent: all of them. */
  readonly ids?: readonly string[];
}

export class Webhooks implements LifecycleSink {
  readonly #parts: WebhookParts;
  /** As the config lists them. */
  #active: readonly Webhook[] = [];
  /** They left the config, and are still told what they were to be told. */
  #leaving: readonly Webhook[] = [];
  #wanted: ReadonlySet<string> = new Set();

  constructor(options: readonly WebhookOptions[], parts: WebhookParts) {
    this.#parts = parts;
    this.replace(options);
  }

  /** Takes over another list. A webhook whose URL is in both keeps what waits for it; one that is gone delivers that and ends. */
  replace(options: readonly WebhookOptions[]): void {
    const before = new Map([...this.#leaving, ...this.#active].map((webhook) => [urlOf(webhook), webhook]));
    this.#active = options.map((wanted) => {
      const known = before.get(new URL(wanted.url).href);
      if (known === undefined) return new Webhook(wanted, this.#parts);
      known.configure(wanted);
      before.delete(urlOf(known));
      return known;
    });
    const wasLeaving = new Set(this.#leaving);
    this.#leaving = [...before.values()];
    for (const webhook of this.#leaving) if (!wasLeaving.has(webhook)) this.#dismiss(webhook);
    const room = limits.webhooks - this.#active.length;
    for (const webhook of this.#leaving.slice(0, Math.max(0, this.#leaving.length - room)))
      this.#end(webhook);
    this.#wanted = new Set(
      this.#active.flatMap(({ options: { events } }): readonly string[] => events ?? ['*']),
    );
  }

  wants(name: LifecycleName): boolean {
    return this.#wanted.has(name) || this.#wanted.has('*');
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    const { clock, newId, log } = this.#parts;
    const at = clock.now();
    let json: JsonText;
    try {
      json = JSON.stringify({ id: newId(), type: name, time: isoTime(at), ...event });
    } catch (error) {
      log.error('an event cannot be written as JSON; no webhook is told of it', {
        type: name,
        reason: String(error),
      });
      return;
    }
    const queued = { json, bytes: Buffer.byteLength(json), at };
    for (const webhook of this.#active) if (webhook.wants(name)) webhook.tell(queued);
  }

  /** The state of each as JSON text, with at most so many of its dead letters. */
  report(deadLetters: number): JsonText {
    return reportText(this.#all, new Set(this.#leaving), deadLetters);
  }

  /** @throws {ReplyError} 107 there is no such webhook. */
  retry({ webhook, ids }: RetryRequest): { readonly letters: number; readonly events: number } {
    const all = this.#all;
    const one = webhook === undefined ? undefined : all[webhook];
    if (webhook !== undefined && one === undefined) {
      throw refuse(
        'badRequest',
        `'webhook' must be one of those that 'webhooks' lists; there are ${all.length}`,
      );
    }
    const wanted = ids === undefined ? undefined : new Set(ids);
    const sum = { letters: 0, events: 0 };
    for (const each of one === undefined ? all : [one]) {
      const { letters, events } = each.retry(wanted);
      sum.letters += letters;
      sum.events += events;
    }
    return sum;
  }

  /** Of each, by its place and its URL without the query. */
  figures(): readonly (WebhookFigures & { readonly webhook: number; readonly url: string })[] {
    return this.#all.map((each, webhook) => ({ ...each.figures, webhook, url: each.sender.shownUrl }));
  }

  /** The end is near: no event waits for others any more. */
  hurry(): void {
    for (const webhook of this.#all) webhook.hurry();
  }

  /** Waits until everything is delivered, at most so long; what is left then is lost, and the log says how much. */
  async close(ms: number): Promise<void> {
    const all = this.#all;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.after(ms, resolve);
    });
    await Promise.race([Promise.all(all.map((webhook) => webhook.drain())), late]);
    cancel();
    for (const webhook of all) this.#end(webhook);
  }

  get #all(): readonly Webhook[] {
    return [...this.#active, ...this.#leaving];
  }

  #dismiss(webhook: Webhook): void {
    void webhook.drain().then(() => {
      if (this.#leaving.includes(webhook)) this.#end(webhook);
    });
  }

  #end(webhook: Webhook): void {
    this.#leaving = this.#leaving.filter((other) => other !== webhook);
    const lost = webhook.close();
    const { kept } = webhook.figures;
    if (lost + kept === 0) return;
    const url = webhook.sender.shownUrl;
    this.#parts.log.error('a webhook ends before everything was delivered', { url, lost, deadLetters: kept });
  }
}

function urlOf({ options }: Webhook): string {
  return new URL(options.url).href;
}
