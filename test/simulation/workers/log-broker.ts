/**
 * Stands in for the durable log, in virtual time: what is asked is appended, committed and answered in three steps, and a process
 * that is killed between them leaves behind what it had committed, and nothing else.
 */
import type { JsonText, Position } from '../../../packages/protocol/src/index.ts';
import { Stream } from '../../../packages/server/src/brokers/memory/stream.ts';
import {
  type Broker,
  type BrokerSink,
  type ChannelFigures,
  type EarlierAnswer,
  type HistoryPage,
  type HistoryQuery,
  type Publication,
  type PublishOptions,
  publicationOf,
} from '../../../packages/server/src/core/broker.ts';
import type { Clock } from '../../../packages/server/src/core/clock.ts';
import { refuse } from '../../../packages/server/src/core/errors.ts';
import type { Random } from '../../support/random.ts';

/** What outlives the process. */
export type Disk = Map<string, Stream>;

/** Ways to be wrong, to see that the world notices. */
export type LogFault = 'hands on before the commit' | 'answers what it does not write';

export interface LogBrokerOptions {
  readonly disk: Disk;
  /** The process's: no step is made when that is dead. */
  readonly clock: Clock;
  readonly draw: Random;
  /** The most that one step takes. */
  readonly stepMs: number;
  readonly newEpoch: () => string;
  /** A publication is on the disk, or where it needs none, is handed on. */
  readonly committed: (channel: string, publication: Publication, epoch: string) => void;
  readonly fault?: LogFault | undefined;
}

/** What is done when it is committed; what that returns is done when the answer is there. */
type Commit = () => () => void;

interface Request {
  readonly channel: string;
  readonly commit: Commit;
  refuse(): void;
}

export class LogBroker implements Broker {
  readonly #options: LogBrokerOptions;
  /** Whom publications of the channel are for. */
  readonly subscribed = new Set<string>();
  #sink: BrokerSink | undefined;
  #waiting: Request[] = [];
  #underWay: Request[] = [];
  #isBusy = false;
  /** How often its thread died. */
  #deaths = 0;

  constructor(options: LogBrokerOptions) {
    this.#options = options;
  }

  async start(sink: BrokerSink): Promise<void> {
    this.#sink = sink;
  }

  async close(): Promise<void> {
    this.#sink = undefined;
  }

  subscribe(channel: string): Promise<void> {
    return this.#ask(channel, () => {
      this.subscribed.add(channel);
      return () => {};
    });
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#ask(channel, () => {
      this.subscribed.delete(channel);
      return () => {};
    });
  }

  async publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined> {
    const { retention, idempotencyKey } = options;
    if (retention === undefined) {
      this.#handOn(channel, publicationOf(data, options, 0), '', this.#options.committed);
      return undefined;
    }
    if (this.#options.fault === 'hands on before the commit')
      return this.#publishEarly(channel, data, options);
    return this.#ask(channel, () => {
      const stream = this.#stream(channel);
      const now = this.#options.clock.now();
      stream.expire(now);
      const earlier = idempotencyKey === undefined ? undefined : stream.answer(idempotencyKey);
      if (earlier !== undefined) return () => earlier.position;
      const isWritten = this.#options.fault === undefined || this.#options.draw(40) > 0;
      const publication = isWritten
        ? stream.append(publicationOf(data, options, 0), retention, now)
        : publicationOf(data, options, stream.top + 1);
      const position = { epoch: stream.epoch, offset: publication.offset };
      if (idempotencyKey !== undefined) stream.remember(idempotencyKey, position, now);
      this.#options.committed(channel, publication, stream.epoch);
      return () => {
        this.#handOn(channel, publication, stream.epoch);
        return position;
      };
    });
  }

  answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined> {
    return this.#ask(channel, () => {
      const answer = this.#options.disk.get(channel)?.answer(idempotencyKey);
      return () => answer;
    });
  }

  history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.#ask(channel, () => {
      const stream = this.#stream(channel);
      stream.expire(this.#options.clock.now());
      const page = stream.page(query);
      return () => page;
    });
  }

  removeHistory(channel: string): Promise<void> {
    return this.#ask(channel, () => {
      this.#stream(channel).clear();
      return () => {};
    });
  }

  async channels(): Promise<readonly ChannelFigures[]> {
    return [];
  }

  /** Its thread dies, and another takes its place: nobody hears what became of what was under way. */
  die(): void {
    this.#deaths += 1;
    this.#isBusy = false;
    const lost = [...this.#underWay.splice(0), ...this.#waiting.splice(0)];
    for (const { refuse: say } of lost) say();
    for (const channel of new Set(lost.map((request) => request.channel))) this.#sink?.gap(channel);
  }

  #ask<T>(channel: string, act: () => () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const commit: Commit = () => {
        const answer = act();
        return () => resolve(answer());
      };
      const say = (): void => reject(refuse('notAvailable', 'the log is being opened again'));
      this.#waiting.push({ channel, commit, refuse: say });
      this.#work();
    });
  }

  #work(): void {
    if (this.#isBusy || this.#waiting.length === 0) return;
    this.#isBusy = true;
    this.#step(() => {
      this.#underWay = this.#waiting.splice(0);
      this.#step(() => {
        const answers = this.#underWay.map(({ commit }) => commit());
        this.#step(() => {
          this.#underWay = [];
          for (const answer of answers) answer();
          this.#isBusy = false;
          this.#work();
        });
      });
    });
  }

  #step(act: () => void): void {
    const { clock, draw, stepMs } = this.#options;
    const deaths = this.#deaths;
    clock.after(draw(stepMs + 1), () => {
      if (deaths === this.#deaths) act();
    });
  }

  #handOn(
    channel: string,
    publication: Publication,
    epoch: string,
    before?: LogBrokerOptions['committed'],
  ): void {
    before?.(channel, publication, epoch);
    this.#sink?.publications(channel, [publication], epoch);
  }

  #stream(channel: string): Stream {
    const { disk, newEpoch, clock } = this.#options;
    const stream = disk.get(channel) ?? new Stream(channel, newEpoch(), clock.now());
    disk.set(channel, stream);
    return stream;
  }

  /** As it must not be: subscribers see what a crash takes back. */
  async #publishEarly(
    channel: string,
    data: JsonText,
    { retention, ...options }: PublishOptions,
  ): Promise<Position> {
    const stream = this.#stream(channel);
    const early = this.#waiting.length + this.#underWay.length;
    const offset = stream.top + 1 + early;
    this.#handOn(channel, publicationOf(data, options, offset), stream.epoch);
    return this.#ask(channel, () => {
      const kept = retention ?? { size: 1, ttlMs: 1 };
      const publication = stream.append(publicationOf(data, options, 0), kept, this.#options.clock.now());
      this.#options.committed(channel, publication, stream.epoch);
      return () => ({ epoch: stream.epoch, offset: publication.offset });
    });
  }
}
