/** A worker's broker: asks the primary's, and takes what that hands on. */
import type { JsonText, Position } from '@carillon/protocol';
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
import { type FrameStream, kinds } from '../../link/frames.ts';
import { askFrame, type Question, readAnswer, readGap, readPublications, readRefusal } from './messages.ts';

export interface LinkBrokerOptions {
  /** To the primary. */
  readonly stream: FrameStream;
  /** The primary is gone: nothing can be published or read any more. */
  readonly lost: () => void;
}

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
  #lastId = 0;
  #sink: BrokerSink | undefined;
  #isGone = false;

  constructor({ stream, lost }: LinkBrokerOptions) {
    this.#stream = stream;
    stream.receive(kinds.publications, (body) => {
      const { channel, batch, epoch } = readPublications(body);
      this.#sink?.publications(channel, batch, epoch);
    });
    stream.receive(kinds.gap, (body) => this.#sink?.gap(readGap(body)));
    stream.receive(kinds.answer, (body) => {
      const { id, ...answer } = readAnswer(body);
      this.#take(id)?.resolve(answer);
    });
    stream.receive(kinds.refusal, (body) => {
      const { id, error } = readRefusal(body);
      this.#take(id)?.reject(error);
    });
    stream.onEnded(() => {
      const wasOpen = this.#sink !== undefined;
      this.#giveUp();
      if (wasOpen) lost();
    });
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

  async history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    const { result, publications } = await this.#ask({ op: 'history', channel, query });
    return { ...(result as Omit<HistoryPage, 'publications'>), publications };
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
    this.#lastId += 1;
    const id = this.#lastId;
    this.#stream.send(askFrame(id, question, data));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
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
