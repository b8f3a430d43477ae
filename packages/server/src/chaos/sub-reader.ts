/** A reader of `/sub` without the SDK: it hands back the last cursor that it got, over Server-Sent Events or polls. */
import { type ClientRequest, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './http.ts';
import type { ReaderLog } from './log.ts';
import type { Reader, Reading } from './reader.ts';
import { type SseEvent, SseEvents } from './sse-events.ts';

/** The pause before it comes back. */
const pauseMs = { min: 20, spread: 150 };
const pollSeconds = 5;

abstract class SubReader implements Reader {
  readonly logs: readonly ReaderLog[];
  readonly ready: Promise<void>;
  failure: string | undefined;
  protected readonly port: number;
  protected cursor: string | undefined;
  protected isClosed = false;
  protected settle: () => void = () => {};

  constructor({ port, logs }: Reading) {
    this.port = port;
    this.logs = logs;
    this.ready = new Promise((resolve) => {
      this.settle = resolve;
    });
    void this.#run();
  }

  close(): void {
    this.isClosed = true;
  }

  /** Reads until the connection ends. */
  protected abstract read(): Promise<void>;

  protected path(more: string): string {
    const names = this.logs.map(({ channel }) => `channel=${encodeURIComponent(channel)}`);
    const start = this.cursor === undefined ? '&from=oldest' : `&cursor=${encodeURIComponent(this.cursor)}`;
    return `/sub?${names.join('&')}${start}&${more}`;
  }

  protected logOf(channel: unknown): ReaderLog | undefined {
    return this.logs.find((log) => log.channel === channel);
  }

  protected fail(why: string): void {
    if (!this.isClosed) this.failure ??= why;
    this.isClosed = true;
    this.settle();
  }

  /** Refusals other than "not now" are for good. */
  protected refused(status: number, text = ''): void {
    if (status >= 400 && status < 500 && status !== 408 && status !== 429)
      this.fail(`answered ${status} ${text.slice(0, 200)}`);
  }

  async #run(): Promise<void> {
    // The constructors of those who inherit come first.
    await Promise.resolve();
    while (!this.isClosed) {
      await this.read().catch((error: unknown) => this.fail(String(error)));
      await sleep(pauseMs.min + Math.random() * pauseMs.spread);
    }
  }
}

/** Polls one after another. */
export class PollReader extends SubReader {
  protected override async read(): Promise<void> {
    while (!this.isClosed) {
      // The first poll only asks where to begin.
      const seconds = this.cursor === undefined ? 1 : pollSeconds;
      const path = this.path(`transport=longpoll&timeout=${seconds}`);
      const answer = await ask({ port: this.port, path, timeoutMs: (seconds + 5) * 1000 });
      if (answer === undefined) return;
      if (answer.status !== 200) return this.refused(answer.status, answer.text);
      this.#take(answer.text);
    }
  }

  #take(text: string): void {
    const { messages, cursor, recovered } = JSON.parse(text) as {
      messages: readonly { channel: string; data: unknown; offset: number }[];
      cursor: string;
      recovered?: boolean;
    };
    if (recovered === false) for (const log of this.logs) log.told({});
    for (const { channel, data, offset } of messages) this.logOf(channel)?.message(data, offset);
    this.cursor = cursor;
    this.settle();
  }
}

/** One stream after another. */
export class SseReader extends SubReader {
  #request: ClientRequest | undefined;

  override close(): void {
    super.close();
    this.#request?.destroy();
  }

  protected override read(): Promise<void> {
    return new Promise((resolve) => {
      const path = this.path('transport=sse&format=json');
      const sent = request({ host: '127.0.0.1', port: this.port, path, agent: false });
      this.#request = sent;
      sent.on('error', () => resolve());
      sent.on('close', () => resolve());
      sent.on('response', (response) => {
        response.on('error', () => {});
        response.setEncoding('utf8');
        if (response.statusCode !== 200) {
          this.refused(response.statusCode ?? 0);
          return void response.resume();
        }
        this.settle();
        const events = new SseEvents((event) => this.#take(event));
        response.on('data', (text: string) => events.read(text));
      });
      sent.end();
    });
  }

  #take({ id, name, data }: SseEvent): void {
    this.cursor = id ?? this.cursor;
    if (data === '') return;
    const said = JSON.parse(data) as {
      channel: string;
      data: unknown;
      offset: number;
      epoch?: string;
      to?: number;
    };
    const log = this.logOf(said.channel);
    if (name === 'close') this.fail(`closed: ${data}`);
    else if (name === 'gap') log?.told({ epoch: said.epoch, to: said.to });
    else if (name === 'message') log?.message(said.data, said.offset);
  }
}
