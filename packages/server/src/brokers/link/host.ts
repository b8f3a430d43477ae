/**
 * The primary's side of the links: answers what workers ask of its broker, and hands each publication on to the workers that
 * have a subscriber of its channel, once each, however many subscribers sit there.
 */
import { limits } from '@carillon/protocol';
import type { Broker, BrokerSink, Publication } from '../../core/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { Lines } from '../../core/lines.ts';
import type { Log } from '../../core/log.ts';
import { type FrameStream, kinds } from '../../link/frames.ts';
import {
  answerFrame,
  gapFrame,
  publicationsFrame,
  type Question,
  readAsk,
  refusalFrame,
} from './messages.ts';

export class LinkHost implements BrokerSink {
  readonly #broker: Broker;
  readonly #log: Log;
  readonly #links = new Set<Link>();
  readonly #interest = new Map<string, Set<Link>>();
  /** Of subscribes and unsubscribes, by channel. */
  readonly #lines = new Lines();

  constructor(broker: Broker, log: Log) {
    this.#broker = broker;
    this.#log = log;
  }

  async start(): Promise<void> {
    await this.#broker.start(this);
  }

  /** Takes the link of a worker, until it ends. */
  accept(stream: FrameStream): void {
    const link = new Link(stream);
    this.#links.add(link);
    stream.receive(kinds.ask, (body) => this.#asked(link, body));
    stream.onEnded(() => this.#left(link));
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.end();
    await this.#broker.close();
  }

  /** Resolves when the workers have taken most of what was handed on; undefined where they have. */
  room(clock: Clock): Promise<void> | undefined {
    let waited: Promise<void>[] | undefined;
    for (const link of this.#links) {
      const left = link.room(clock);
      if (left !== undefined) waited = [...(waited ?? []), left];
    }
    return waited === undefined ? undefined : Promise.all(waited).then(() => undefined);
  }

  publications(channel: string, batch: readonly Publication[], epoch: string): void {
    const links = this.#interest.get(channel);
    if (links === undefined) return;
    const frame = publicationsFrame(channel, batch, epoch);
    for (const link of links) link.handOn(channel, frame);
  }

  gap(channel: string): void {
    for (const link of this.#interest.get(channel) ?? []) link.send(gapFrame(channel));
  }

  #asked(link: Link, body: Buffer): void {
    const { id, question, data } = readAsk(body);
    this.#answer(link, question, data).then(
      ({ result, publications }) => link.send(answerFrame(id, result, publications)),
      (error: unknown) => {
        if ((error as Error).name !== 'ReplyError')
          this.#log.error('a question of a worker failed', { error });
        link.send(refusalFrame(id, error));
      },
    );
  }

  async #answer(
    link: Link,
    question: Question,
    data: string,
  ): Promise<{ readonly result?: unknown; readonly publications?: readonly Publication[] }> {
    const broker = this.#broker;
    switch (question.op) {
      case 'publish':
        return { result: await broker.publish(question.channel, data, question.options) };
      case 'history': {
        const { publications, ...result } = await broker.history(question.channel, question.query);
        return { result, publications };
      }
      case 'answered':
        return { result: await broker.answered(question.channel, question.idempotencyKey) };
      case 'removeHistory':
        return { result: await broker.removeHistory(question.channel) };
      case 'channels':
        return { result: await broker.channels(question.query) };
      case 'subscribe':
        return {
          result: await this.#lines.run(question.channel, () => this.#subscribe(link, question.channel)),
        };
      case 'unsubscribe':
        return {
          result: await this.#lines.run(question.channel, () => this.#unsubscribe(link, question.channel)),
        };
    }
  }

  async #subscribe(link: Link, channel: string): Promise<void> {
    const links = this.#interest.get(channel);
    if (links === undefined) await this.#broker.subscribe(channel);
    if (!this.#links.has(link)) {
      if (links === undefined) await this.#broker.unsubscribe(channel);
      return;
    }
    if (links === undefined) this.#interest.set(channel, new Set([link]));
    else links.add(link);
  }

  async #unsubscribe(link: Link, channel: string): Promise<void> {
    const links = this.#interest.get(channel);
    if (links?.delete(link) !== true || links.size > 0) return;
    this.#interest.delete(channel);
    await this.#broker.unsubscribe(channel);
  }

  #left(link: Link): void {
    if (!this.#links.delete(link)) return;
    for (const [channel, links] of this.#interest) {
      if (links.has(link))
        void this.#lines.run(channel, () => this.#unsubscribe(link, channel)).catch(() => undefined);
    }
  }
}

/** One worker. What it does not take within its bound is replaced by a gap, behind which it reads history. */
class Link {
  readonly #stream: FrameStream;
  readonly #behind = new Set<string>();
  readonly #waiting = new Set<() => void>();
  /** It took nothing for so long that nobody waits for it, until it does. */
  #isStuck = false;

  constructor(stream: FrameStream) {
    this.#stream = stream;
    stream.onDrained(() => this.#drained());
    stream.onEnded(() => this.#letGo());
  }

  room(clock: Clock): Promise<void> | undefined {
    if (this.#stream.waitingBytes <= limits.gatheredBytes || this.#isStuck) return undefined;
    return new Promise((resolve) => {
      const cancel = clock.after(limits.workerAnswerMs, () => {
        this.#isStuck = true;
        this.#letGo();
      });
      this.#waiting.add(() => {
        cancel();
        resolve();
      });
    });
  }

  handOn(channel: string, frame: Buffer): void {
    if (this.#behind.size === 0 && this.#stream.waitingBytes <= limits.linkWaitingBytes) {
      this.#stream.send(frame);
    } else this.#behind.add(channel);
  }

  send(frame: Buffer): void {
    this.#stream.send(frame);
  }

  end(): void {
    this.#stream.end();
  }

  #drained(): void {
    for (const channel of this.#behind) this.#stream.send(gapFrame(channel));
    this.#behind.clear();
    this.#isStuck = false;
    this.#letGo();
  }

  #letGo(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}
