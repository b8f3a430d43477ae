/**
 * The primary's side of the links: answers what workers ask of its broker, and hands each publication on to the workers that
 * have a subscriber of its channel, once each, however many subscribers sit there.
 */
import type { Position } from '@carillon/protocol';
import type { Broker, BrokerSink, Publication } from '../../core/broker.ts';
import { canaryChannel } from '../../core/canary.ts';
import type { Clock } from '../../core/clock.ts';
import { Lines } from '../../core/lines.ts';
import type { Log } from '../../core/log.ts';
import type { Trail } from '../../core/trail.ts';
import { kinds } from '../../link/frame-reader.ts';
import type { FrameStream } from '../../link/frames.ts';
import {
  answerFrame,
  gapFrame,
  publicationsFrame,
  publishedFrame,
  type Question,
  readAsk,
  refusalFrame,
} from './messages.ts';
import { type LinkBounds, WorkerLink } from './worker-link.ts';

export interface LinkHostOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly log: Log;
  /** Those of the table of limits by default. */
  readonly bounds?: LinkBounds;
  /** Remembers to which workers what was handed on; absent: nothing. */
  readonly trail?: Pick<Trail, 'wasHanded'>;
}

/** Of one channel, and handed on in one frame. */
interface Gathered {
  readonly epoch: string;
  readonly batch: Publication[];
}

export class LinkHost implements BrokerSink {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bounds: LinkBounds | undefined;
  readonly #trail: Pick<Trail, 'wasHanded'> | undefined;
  readonly #links = new Set<WorkerLink>();
  readonly #interest = new Map<string, Set<WorkerLink>>();
  /** What came in this step of the loop, by channel. */
  readonly #gathered = new Map<string, Gathered>();
  #published = 0;
  /** Of subscribes and unsubscribes, by channel. */
  readonly #lines = new Lines();

  constructor({ broker, clock, log, bounds, trail }: LinkHostOptions) {
    [this.#broker, this.#clock, this.#log] = [broker, clock, log];
    [this.#bounds, this.#trail] = [bounds, trail];
  }

  /** `sink`: who gets publications first, and hands them on to this one. */
  async start(sink: BrokerSink = this): Promise<void> {
    await this.#broker.start(sink);
  }

  /** Publications in channels that some worker subscribed to, once each; probes are none. */
  get published(): number {
    return this.#published;
  }

  /** Takes the link of a worker, until it ends. */
  accept(stream: FrameStream, worker = 0): void {
    const link = new WorkerLink(stream, worker, this.#clock, this.#bounds);
    this.#links.add(link);
    stream.receive(kinds.ask, (body) => this.#asked(link, body));
    stream.onEnded(() => this.#left(link));
  }

  async close(): Promise<void> {
    this.#handOn();
    for (const link of this.#links) link.end();
    await this.#broker.close();
  }

  /** Resolves when no worker is behind any more, or has had the time to catch up; undefined where none is. */
  room(): Promise<void> | undefined {
    const rooms = roomsOf(this.#links);
    return rooms === undefined ? undefined : Promise.all(rooms).then(() => undefined);
  }

  /** The workers that have subscribers of the channel; they have been given what was published before. */
  followers(channel: string): readonly number[] {
    this.#handOn();
    return workersOf(this.#interest.get(channel));
  }

  publications(channel: string, batch: readonly Publication[], epoch: string): void {
    const links = this.#interest.get(channel);
    const isCanary = channel.startsWith(canaryChannel);
    if (!isCanary) this.#trail?.wasHanded(channel, batch, epoch, links?.size ?? 0, workersOf(links));
    if (links === undefined) return;
    if (!isCanary) this.#published += batch.length;
    const gathered = this.#gathered.get(channel);
    if (gathered?.epoch === epoch) {
      gathered.batch.push(...batch);
      return;
    }
    if (gathered !== undefined) this.#handOn();
    if (this.#gathered.size === 0) queueMicrotask(() => this.#handOn());
    this.#gathered.set(channel, { epoch, batch: [...batch] });
  }

  gap(channel: string): void {
    this.#handOn();
    for (const link of this.#interest.get(channel) ?? []) link.send(gapFrame(channel));
  }

  /** Gives the workers what came, before anything that was answered after it. */
  #handOn(): void {
    if (this.#gathered.size === 0) return;
    for (const [channel, { batch, epoch }] of this.#gathered) {
      const links = this.#interest.get(channel);
      if (links === undefined) continue;
      const frame = publicationsFrame(channel, batch, epoch);
      for (const link of links) link.handOn(channel, frame);
    }
    this.#gathered.clear();
  }

  #asked(link: WorkerLink, body: Buffer): void {
    const { id, question, data } = readAsk(body);
    const answered =
      question.op === 'publish'
        ? this.#publish(question, data).then((position) => publishAnswer(id, position))
        : this.#answer(link, question).then(({ result, publications }) =>
            answerFrame(id, result, publications),
          );
    answered.then(
      (frame) => link.send(frame),
      (error: unknown) => {
        if ((error as Error).name !== 'ReplyError')
          this.#log.error('a question of a worker failed', { error });
        link.send(refusalFrame(id, error));
      },
    );
  }

  async #publish({ channel, options }: PublishQuestion, data: string): Promise<Position | undefined> {
    const position = await this.#broker.publish(channel, data, options);
    // Handed on before it is asked who is behind.
    this.#handOn();
    const rooms = roomsOf(this.#interest.get(channel) ?? []);
    if (rooms !== undefined) await Promise.all(rooms);
    return position;
  }

  async #answer(
    link: WorkerLink,
    question: Exclude<Question, PublishQuestion>,
  ): Promise<{ readonly result?: unknown; readonly publications?: readonly Publication[] }> {
    const broker = this.#broker;
    switch (question.op) {
      case 'history': {
        const { channel, query } = question;
        const { publications, ...result } = await link.read(() => broker.history(channel, query));
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

  async #subscribe(link: WorkerLink, channel: string): Promise<void> {
    const links = this.#interest.get(channel);
    if (links === undefined) await this.#broker.subscribe(channel);
    if (!this.#links.has(link)) {
      if (links === undefined) await this.#broker.unsubscribe(channel);
      return;
    }
    if (links === undefined) this.#interest.set(channel, new Set([link]));
    else links.add(link);
  }

  async #unsubscribe(link: WorkerLink, channel: string): Promise<void> {
    const links = this.#interest.get(channel);
    if (links?.delete(link) !== true || links.size > 0) return;
    this.#interest.delete(channel);
    await this.#broker.unsubscribe(channel);
  }

  #left(link: WorkerLink): void {
    if (!this.#links.delete(link)) return;
    for (const [channel, links] of this.#interest) {
      if (links.has(link))
        void this.#lines.run(channel, () => this.#unsubscribe(link, channel)).catch(() => undefined);
    }
  }
}

const nobody: readonly number[] = Object.freeze([]);

function workersOf(links: Iterable<WorkerLink> | undefined): readonly number[] {
  return links === undefined ? nobody : Array.from(links, ({ worker }) => worker);
}

type PublishQuestion = Extract<Question, { readonly op: 'publish' }>;

function publishAnswer(id: number, position: Position | undefined): Buffer {
  return position === undefined ? answerFrame(id, undefined) : publishedFrame(id, position);
}

/** What who publishes to these waits for; undefined where nothing. */
function roomsOf(links: Iterable<WorkerLink>): Promise<void>[] | undefined {
  let rooms: Promise<void>[] | undefined;
  for (const link of links) {
    const room = link.room();
    if (room !== undefined) rooms = [...(rooms ?? []), room];
  }
  return rooms;
}
