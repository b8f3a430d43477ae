/** What Prometheus reads: the plain numbers that the server keeps anyway, given names when somebody asks. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Counters } from '../core/figures.ts';
import { type HookMetricFigures, measureHooks } from './hook-metrics.ts';
import { measureProcess, type ProcessReading, registerProcesses } from './process-metrics.ts';
import { type ReloadMetricFigures, reloadMetrics } from './reload-metrics.ts';
import type { Sample } from './sample.ts';
import { type WebhookMetricFigures, webhookMetrics, webhookSamples } from './webhook-metrics.ts';
import { type ProcessFigures, workerMetrics } from './worker-metrics.ts';

/** Everything that is measured, as it stands now. */
export interface Figures {
  readonly counters: Counters;
  readonly sessions: number;
  /** Users who have a session. */
  readonly users: number;
  /** Open connections, by transport. */
  readonly connections: ReadonlyMap<string, number>;
  /** Channels with subscribers. */
  readonly channels: number;
  readonly subscriptions: number;
  /** Members of all channels that have presence. */
  readonly presenceMembers: number;
  /** Sources besides clients and the API, by name. */
  readonly ingest?: ReadonlyMap<string, IngestFigures>;
  /** Backends that are told of clients and channels, as the config lists them. */
  readonly webhooks?: readonly WebhookMetricFigures[];
  /** Absent where there are none. */
  readonly hooks?: HookMetricFigures;
  /** Absent where the config cannot be loaded again. */
  readonly config?: ReloadMetricFigures;
  /** Absent where nothing is told of single processes. */
  readonly processes?: ProcessFigures;
  readonly apiRequests: Iterable<{
    readonly method: string;
    readonly status: number;
    readonly count: number;
  }>;
}

/** How it stands with one source of publications. */
export interface IngestFigures {
  readonly connected: boolean;
  /** Published so far, by the way they came. */
  readonly received: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly losses: number;
}

/** A registry of its own, so that several servers in one process do not mix. */
export class Metrics {
  static readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly contentType: string = Metrics.contentType;
  readonly #registry = new Registry();
  readonly #figures: () => Figures;

  /**
   * @param figures Read once per metric and scrape; must be cheap.
   * @param process Also measures the process: CPU, memory, event loop delay, garbage collection; or tells what several
   *   processes measured.
   */
  constructor(
    figures: () => Figures,
    { process = true }: { readonly process?: boolean | readonly ProcessReading[] } = {},
  ) {
    this.#figures = figures;
    this.#countEvents();
    this.#measureIngest();
    this.#measureWebhooks();
    this.#measureReloads();
    this.#gaugeState();
    this.#measureWorkers();
    measureHooks(this.#registry, () => figures().hooks);
    if (process === true) measureProcess(this.#registry);
    else if (process !== false) registerProcesses(this.#registry, process);
  }

  /** All metrics in the text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #countEvents(): void {
    this.#counter('publications_total', 'Publications in channels with subscribers.', [], ({ counters }) => [
      [counters.publications],
    ]);
    this.#counter(
      'deliveries_total',
      'Publications, and members that came or left, handed to connections.',
      ['wire'],
      ({ counters }) => labelled('wire', counters.deliveries),
    );
    this.#counter('bytes_sent_total', 'Bytes of publications handed to connections.', [], ({ counters }) => [
      [counters.deliveredBytes],
    ]);
    this.#counter(
      'presence_events_total',
      'Times that a member of a channel was announced to its subscribers, as coming or leaving.',
      ['type'],
      ({ counters }) => labelled('type', counters.presenceEvents),
    );
    this.#counter('gaps_total', 'Gaps told to subscribers.', [], ({ counters }) => [[counters.gaps]]);
    this.#counter(
      'rereads_total',
      'Histories read again for connections that fell behind.',
      [],
      ({ counters }) => [[counters.rereads]],
    );
    this.#countInboxes();
    this.#counter('errors_total', 'Refused commands of clients.', ['code'], ({ counters }) =>
      labelled('code', counters.errors),
    );
    this.#counter('disconnects_total', 'Connections that the server ended.', ['code'], ({ counters }) =>
      labelled('code', counters.disconnects),
    );
    this.#counter(
      'api_requests_total',
      'Answered requests of the server API.',
      ['method', 'status'],
      ({ apiRequests }) =>
        [...apiRequests].map(
          ({ method, status, count }): Sample => [count, { method, status: String(status) }],
        ),
    );
  }

  #countInboxes(): void {
    const counter = (name: string, help: string, read: (counters: Counters) => number): void =>
      this.#counter(name, help, [], ({ counters }) => [[read(counters)]]);
    counter('acks_total', 'Acknowledgements that moved a cursor of an inbox.', ({ acks }) => acks);
    counter('inbox_overdue_total', 'Times that `inboxOverdue` was told.', ({ overdue }) => overdue);
    counter(
      'inbox_overdue_unwatched_total',
      'Inboxes with unacknowledged messages that were not watched for `inboxOverdue`, because too many were.',
      ({ overdueUnwatched }) => overdueUnwatched,
    );
    counter(
      'inbox_cursors_forgotten_total',
      'Inboxes whose cursors were forgotten for want of room; their messages are delivered again.',
      ({ inboxesGivenUp }) => inboxesGivenUp,
    );
  }

  #measureIngest(): void {
    const each = (read: (ingest: IngestFigures) => number) => (figures: Figures) =>
      [...(figures.ingest ?? [])].map(([source, ingest]): Sample => [read(ingest), { source }]);
    this.#counter(
      'ingest_received_total',
      'Publications taken from elsewhere, by the way they came.',
      ['source', 'way'],
      ({ ingest = [] }) =>
        [...ingest].flatMap(([source, { received }]) =>
          Object.entries(received).map(([way, count]): Sample => [count, { source, way }]),
        ),
    );
    this.#counter(
      'ingest_refused_total',
      'What came from elsewhere and could not be published.',
      ['source'],
      each(({ refused }) => refused),
    );
    this.#counter(
      'ingest_losses_total',
      'Times that subscribers were told that publications from elsewhere may be missing.',
      ['source'],
      each(({ losses }) => losses),
    );
    this.#gauge(
      'ingest_connected',
      'Whether a source of publications can be reached: 1 or 0.',
      ['source'],
      each(({ connected }) => Number(connected)),
    );
  }

  #measureWebhooks(): void {
    for (const { name, kind, help, figure } of webhookMetrics) {
      const read = ({ webhooks }: Figures): readonly Sample[] => webhookSamples(webhooks, figure);
      if (kind === 'counter') this.#counter(name, help, ['webhook', 'url'], read);
      else this.#gauge(name, help, ['webhook', 'url'], read);
    }
  }

  #measureReloads(): void {
    for (const { name, kind, help, labels, samples } of reloadMetrics) {
      const read = ({ config }: Figures): readonly Sample[] => (config === undefined ? [] : samples(config));
      if (kind === 'counter') this.#counter(name, help, labels, read);
      else this.#gauge(name, help, labels, read);
    }
  }

  #measureWorkers(): void {
    for (const { name, kind, help, labels, samples } of workerMetrics) {
      const read = ({ processes }: Figures): readonly Sample[] =>
        processes === undefined ? [] : samples(processes);
      if (kind === 'counter') this.#counter(name, help, labels, read);
      else this.#gauge(name, help, labels, read);
    }
  }

  #gaugeState(): void {
    this.#gauge('connections', 'Open connections.', ['transport'], ({ connections }) =>
      labelled('transport', connections),
    );
    this.#gauge('sessions', 'Open sessions.', [], ({ sessions }) => [[sessions]]);
    this.#gauge('users', 'Users who have a session.', [], ({ users }) => [[users]]);
    this.#gauge('channels', 'Channels with subscribers.', [], ({ channels }) => [[channels]]);
    this.#gauge('subscriptions', 'Subscriptions in force.', [], ({ subscriptions }) => [[subscriptions]]);
    this.#gauge('presence_members', 'Members of the channels that have presence.', [], (figures) => [
      [figures.presenceMembers],
    ]);
  }

  #counter(
    name: string,
    help: string,
    labelNames: string[],
    read: (figures: Figures) => readonly Sample[],
  ): void {
    const figures = this.#figures;
    new Counter({
      name: `carillon_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, labels] of read(figures())) this.inc(labels ?? {}, value);
      },
    });
  }

  #gauge(
    name: string,
    help: string,
    labelNames: string[],
    read: (figures: Figures) => readonly Sample[],
  ): void {
    const figures = this.#figures;
    new Gauge({
      name: `carillon_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, labels] of read(figures())) this.set(labels ?? {}, value);
      },
    });
  }
}

function labelled(name: string, values: ReadonlyMap<string | number, number>): readonly Sample[] {
  return [...values].map(([key, value]): Sample => [value, { [name]: String(key) }]);
}
