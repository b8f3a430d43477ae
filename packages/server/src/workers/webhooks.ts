/** The webhooks of a server with several workers: the primary has them, the workers tell it what happens. */
import type { JsonText } from '@carillon/protocol';
import {
  type LifecycleEvents,
  type LifecycleName,
  type LifecycleSink,
  lifecycleNames,
} from '../core/lifecycle.ts';
import type { Calls, Remote, Told } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';
import { Replicas } from './replicas.ts';

/** What the server API asks of webhooks. */
export interface WebhookVerbs {
  report(deadLetters: number): JsonText;
  retry(asked: { readonly webhook?: number; readonly ids?: readonly string[] }): {
    readonly letters: number;
    readonly events: number;
  };
}

/** What the primary offers under the name `webhooks`. */
interface SharedWebhookVerbs extends WebhookVerbs, Pick<LifecycleSink, 'tell'> {
  /** The names of the events that some webhook wants. */
  wanted(): readonly LifecycleName[];
}

/** What a worker offers under this name. */
const namesName = 'webhookNames';
interface NamesVerbs {
  want(names: readonly LifecycleName[]): void;
}

/** A worker's: there is nothing to deliver here. */
export class LinkedWebhooks implements LifecycleSink, NamesVerbs {
  readonly #asked: Remote<SharedWebhookVerbs>;
  readonly #told: Told<SharedWebhookVerbs>;
  #wanted: ReadonlySet<LifecycleName> = new Set();

  private constructor(calls: Calls) {
    this.#asked = calls.remote('webhooks');
    this.#told = calls.told('webhooks');
    calls.offer<NamesVerbs>(namesName, this, ['want']);
  }

  /** Knows what is wanted. */
  static async start(calls: Calls): Promise<LinkedWebhooks> {
    const webhooks = new LinkedWebhooks(calls);
    webhooks.want(await calls.remote<SharedWebhookVerbs>('webhooks', { ordered: true }).wanted());
    return webhooks;
  }

  want(names: readonly LifecycleName[]): void {
    this.#wanted = new Set(names);
  }

  wants(name: LifecycleName): boolean {
    return this.#wanted.has(name);
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.#told.tell(name, event);
  }

  report(deadLetters: number): Promise<JsonText> {
    return this.#asked.report(deadLetters);
  }

  retry(asked: Parameters<WebhookVerbs['retry']>[0]): Promise<object> {
    return this.#asked.retry(asked);
  }

  /** The primary counts. */
  figures(): readonly [] {
    return [];
  }

  /** The primary takes over another list, and says what is wanted then. */
  replace(): void {}

  hurry(): void {}

  async close(): Promise<void> {}
}

/** The primary's: takes what workers tell, and answers what they ask. */
export class SharedWebhooks {
  readonly #webhooks: WebhookVerbs & LifecycleSink;
  readonly #workers = new Replicas<NamesVerbs>(namesName);

  constructor(webhooks: WebhookVerbs & LifecycleSink) {
    this.#webhooks = webhooks;
  }

  begun(worker: LinkedWorker): void {
    const webhooks = this.#webhooks;
    const verbs: SharedWebhookVerbs = {
      wanted: () => this.#wanted,
      report: webhooks.report.bind(webhooks),
      retry: webhooks.retry.bind(webhooks),
      tell: (name, event) => {
        if (webhooks.wants(name)) webhooks.tell(name, event);
      },
    };
    worker.calls.offer<SharedWebhookVerbs>('webhooks', verbs, ['wanted', 'report', 'retry', 'tell']);
    this.#workers.add(worker);
  }

  gone(id: number): void {
    this.#workers.remove(id);
  }

  /** Call when the webhooks may want other events than before. */
  changed(): void {
    for (const worker of this.#workers) worker.want(this.#wanted);
  }

  get #wanted(): readonly LifecycleName[] {
    return lifecycleNames.filter((name) => this.#webhooks.wants(name));
  }
}
