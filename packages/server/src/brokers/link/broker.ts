/** A worker's broker: asks the primary's, and takes what that hands on. */
import { type JsonText, limits, type Position } from '@carillon/protocol';
import type {
  Broker,
  BrokerSink,
  ChannelFigures,
  ChannelQuery,
  EarlierAnswer,
  HistoryPage,
  HistoryQuery,
  Publication,
  PublishOptions,
} from '../../core/broker.ts';
import { type ReplyError, refuse } from '../../core/errors.ts';
import { tooMuchWaits } from '../../link/calls.ts';
import { kinds } from '../../link/frame-reader.ts';
import type { FrameStream } from '../../link/frames.ts';
import {
  askFrame,
  type Question,
  readAnswer,
  readGap,
  readPublications,
  readPublished,
  readRefusal,
} from './messages.ts';

interface Answer {
  readonly result: unknown;
  readonly publications: Publication[];
}

interface Asked {
  resolve(answer: Answer): void;
  reject(error: ReplyError): void;
}

export class LinkBroker implements Broker {
  readonly #stream: FrameStream;
  readonly #asked = new Map<number, Asked>();
  /** Questions for history that have not left. */
  readonly #pages = new Map<string, Promise<HistoryPage>>();
  #lastId = 0;
  #sink: BrokerSink | undefined;
  #isGone = false;

  /** `stream`: to the primary. When that is gone, nothing can be published or read any more. */
  constructor(stream: FrameStream) {
    this.#stream = stream;
    stream.receive(kinds.publications, (body) => {
      const { channel, batch, epoch } = readPublications(body);
      this.#sink?.publications(channel, batch, epoch);
      const room = this.#sink?.room?.();
      if (room !== undefined) stream.hold(room);
    });
    stream.receive(kinds.gap, (body) => this.#sink?.gap(readGap(body)));
    stream.receive(kinds.answer, (body) => {
      const { id, ...answer } = readAnswer(body);
      this.#take(id)?.resolve(answer);
    });
    stream.receive(kinds.published, (body) => {
      const { id, position } = readPublished(body);
      this.#take(id)?.resolve({ result: position, publications: [] });
    });
    stream.receive(kinds.refusal, (body) => {
      const { id, error } = readRefusal(body);
      this.#take(id)?.reject(error);
    });
    stream.onEnded(() => this.#giveUp());
  }

  async start(sink: BrokerSink): Promise<void> {
    this.#sink = sink;
  }

  async close(): Promise<void> {
    this.#sink = undefined;
    this.#stream.end();
    this.#giveUp();
  }

  async subscribe(channel: string): Promise<void> {
    await this.#ask({ op: 'subscribe', channel });
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#ask({ op: 'unsubscribe', channel });
  }

  async publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined> {
    const { result } = await this.#ask({ op: 'publish', channel, options }, data);
    return result as Position | undefined;
  }

  async answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined> {
    const { result } = await this.#ask({ op: 'answered', channel, idempotencyKey });
    return result as EarlierAnswer | undefined;
  }

  /** Those who ask the same before the question has left, as all subscribers of a channel do behind a gap, share the answer. */
  history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    const name = `${channel} ${JSON.stringify(query)}`;
    const same = this.#pages.get(name);
    if (same !== undefined) return same;
    const page = this.#ask({ op: 'history', channel, query }).then(({ result, publications }) => ({
      ...(result as Omit<HistoryPage, 'publications'>),
      publications,
    }));
    if (this.#pages.size === 0) this.#stream.onceLeaving(() => this.#pages.clear());
    this.#pages.set(name, page);
    return page;
  }

  async removeHistory(channel: string): Promise<void> {
    await this.#ask({ op: 'removeHistory', channel });
  }

  async channels(query: ChannelQuery): Promise<readonly ChannelFigures[]> {
    const { result } = await this.#ask({ op: 'channels', query });
    return result as readonly ChannelFigures[];
  }

  #ask(question: Question, data?: JsonText): Promise<Answer> {
    if (this.#isGone) return Promise.reject(gone());
    // What was held must be let go, whatever waits.
    if (question.op !== 'unsubscribe' && this.#isFull) return Promise.reject(tooMuchWaits());
    this.#lastId += 1;
    const id = this.#lastId;
    this.#stream.send(askFrame(id, question, data));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  /** The primary does not read, or does not answer. */
  get #isFull(): boolean {
    return this.#stream.waitingBytes > limits.linkAskedBytes || this.#asked.size >= limits.linkQuestions;
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  /** Nobody answers any more. */
  #giveUp(): void {
    this.#isGone = true;
    for (const { reject } of this.#asked.values()) reject(gone());
    this.#asked.clear();
  }
}

function gone(): ReplyError {
  return refuse('notAvailable', 'the server is closing');
}
