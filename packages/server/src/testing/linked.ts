/** Links without processes: what goes in at one end comes out at the other; and a primary with workers at such links. */
import { duplexPair } from 'node:stream';
import { Calls } from '../link/calls.ts';
import { FrameStream } from '../link/frames.ts';
import type { Shared } from '../server/primary.ts';
import { Peers } from '../workers/peers.ts';
import { type LinkedWorker, Relay } from '../workers/relay.ts';
import { sessionIdOf } from '../workers/session-ids.ts';
import { VirtualClock } from './virtual-clock.ts';

/** One end of a link. */
export interface LinkEnd {
  readonly stream: FrameStream;
  readonly calls: Calls;
}

/** Both ends of a link. */
export interface Linked {
  readonly primary: LinkEnd;
  readonly worker: LinkEnd;
  /** Faults that were no refusals, at either end: `name.method: what`. */
  readonly faults: string[];
  /** The link ends as when the worker is killed: what it had sent still arrives, and it hears nothing more. */
  cut(): void;
}

/** `faults`: where they are added to those of other links. */
export function linked(faults: string[] = []): Linked {
  const [here, there] = duplexPair();
  // A pair does not end at one end because the other was destroyed; a socket does.
  for (const [one, other] of [
    [here, there],
    [there, here],
  ] as const)
    one.once('close', () => setImmediate(() => other.destroy()));
  const failed = (name: string, error: unknown): void => void faults.push(`${name}: ${String(error)}`);
  const endOf = (stream: FrameStream): LinkEnd => ({ stream, calls: new Calls(stream, failed) });
  return {
    primary: endOf(new FrameStream(here)),
    worker: endOf(new FrameStream(there)),
    faults,
    cut: () => there.destroy(),
  };
}

/** What crosses a link needs some turns of the event loop: lets as many pass as a question through the primary, and its answer, take. */
export async function settled(turns = 30): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A worker as a test has it. Offer at its `calls` what all workers have; ask them by its `peers`. */
export interface TestWorker extends LinkEnd {
  readonly id: number;
  readonly peers: Peers;
  /** What the primary has of it. */
  readonly atPrimary: LinkedWorker;
  /** A name that a session of this worker could have. */
  sessionId(name: string): string;
  /** It is asked what all are asked, as from the moment when it serves. */
  serve(): void;
  /** It is killed. */
  end(): void;
}

export interface LinkedWorkersOptions {
  /** What the primary has for all workers, as `server/primary.ts` registers it. */
  readonly shared?: readonly Shared[];
  readonly clock?: VirtualClock;
  /** Is given the primary's end of each link before anything goes over it. */
  readonly accept?: (stream: FrameStream) => void;
}

/** A primary with a relay and what it shares, and workers that are linked to it. */
export class LinkedWorkers {
  readonly clock: VirtualClock;
  readonly relay: Relay;
  /** Faults that were no refusals, of all links. */
  readonly faults: string[] = [];
  readonly #shared: readonly Shared[];
  readonly #accept: (stream: FrameStream) => void;
  #lastId = 0;

  constructor({ shared = [], clock = new VirtualClock(), accept = () => {} }: LinkedWorkersOptions = {}) {
    this.#shared = shared;
    this.#accept = accept;
    this.clock = clock;
    this.relay = new Relay(clock);
  }

  /** A worker that has begun. It is asked nothing before `serve()`. */
  begin(): TestWorker {
    this.#lastId += 1;
    const id = this.#lastId;
    const link = linked(this.faults);
    this.#accept(link.primary.stream);
    const atPrimary = { id, calls: link.primary.calls };
    this.relay.serve(atPrimary);
    for (const each of this.#shared) each.begun(atPrimary);
    link.primary.stream.onEnded(() => {
      this.relay.leave(id);
      for (const each of this.#shared) each.gone(id);
    });
    return {
      ...link.worker,
      id,
      peers: new Peers(id, link.worker.calls),
      atPrimary,
      sessionId: (name) => sessionIdOf(id, name),
      serve: () => {
        this.relay.join(atPrimary);
        for (const each of this.#shared) each.served?.(atPrimary);
      },
      end: () => link.cut(),
    };
  }

  /** So many workers that serve. `prepare`: offers what each of them has. */
  serve(count: number, prepare: (worker: TestWorker) => void = () => {}): TestWorker[] {
    return Array.from({ length: count }, () => {
      const worker = this.begin();
      prepare(worker);
      worker.serve();
      return worker;
    });
  }
}
