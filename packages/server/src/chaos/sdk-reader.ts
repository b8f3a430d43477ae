/** A reader with the SDK, as applications use it. */
import { Carillon, type TransportName } from '@carillon/client';
import type { ReaderLog } from './log.ts';
import type { Reader, Reading } from './reader.ts';

export class SdkReader implements Reader {
  readonly logs: readonly ReaderLog[];
  readonly ready: Promise<void>;
  failure: string | undefined;
  readonly #client: Carillon;
  #isClosed = false;

  /** Without `transports` it is whichever gets through, as it is by default. */
  constructor({ port, logs }: Reading, transports?: readonly TransportName[]) {
    this.logs = logs;
    // Quick to come back, and to notice that nothing answers: a run is short.
    this.#client = new Carillon(`http://127.0.0.1:${port}`, {
      backoff: { minMs: 20, maxMs: 500 },
      timeoutMs: 3_000,
      ...(transports && { transports }),
    });
    this.#client.on('error', (error) => this.#fail(`error: ${String(error)}`));
    this.#client.on('state', ({ state, reason }) => {
      if (state === 'disconnected') this.#fail(`disconnected: ${reason.code} ${reason.message}`);
    });
    this.ready = Promise.all(logs.map((log) => this.#read(log))).then(
      () => {},
      () => {},
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  async #read(log: ReaderLog): Promise<void> {
    const channel = this.#client.channel<unknown>(log.channel);
    channel.on('message', (data, { offset }) => log.message(data, offset, channel.position?.epoch));
    channel.on('gap', ({ epoch, to }) => log.told({ epoch, to }));
    channel.on('state', ({ state, reason }) => {
      if (state === 'unsubscribed') this.#fail(`unsubscribed: ${reason.code} ${reason.message}`);
    });
    await channel.subscribe();
  }

  #fail(why: string): void {
    if (!this.#isClosed) this.failure ??= why;
  }
}
