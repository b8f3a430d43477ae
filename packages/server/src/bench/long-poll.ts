/** Many held long-polls of one channel, and a publication now and then that answers them all. */
import { type Arrival, type Counts, noCounts } from './checker.ts';
import { checkDescriptors, opening, sourceAddress } from './crowd.ts';
import { Histogram } from './histogram.ts';
import { settledBytes } from './idle.ts';
import { LongPollClient, type PollAudience } from './long-poll-client.ts';
import { cpu, type Figure, figure, latencies, notes, type Outcome } from './outcome.ts';
import { processTree, residentBytes, type Stretch, stopwatch } from './process-figures.ts';
import type { Progress } from './progress.ts';
import { Publisher } from './publisher.ts';
import { BenchError, type Target } from './target.ts';

export interface LongPoll {
  readonly name: string;
  readonly title: string;
  readonly polls: number;
  /** Bytes of `data` as JSON text. */
  readonly payload: number;
  /** Slow enough that all polls are held again before the next. */
  readonly perSecond: number;
  readonly seconds: number;
  /** How long memory must have stayed the same. */
  readonly steadySeconds: number;
}

/** Resident memory of the server in bytes; undefined where it cannot be read. */
interface Memory {
  readonly before: number | undefined;
  readonly held: number | undefined;
  readonly heldAgain: number | undefined;
}

export async function runLongPoll(target: Target, plan: LongPoll, progress: Progress): Promise<Outcome> {
  const channel = `${target.prefix}${plan.name}-${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}`;
  const pids = target.pid === undefined ? undefined : processTree(target.pid);
  const before = pids === undefined ? undefined : residentBytes(pids);
  const publisher = await Publisher.open(target, channel, plan.payload);
  const waiting = new Waiting(target, channel, plan.polls, publisher.sentAt);
  try {
    await waiting.open((count) => progress.update(`opening ${count} of ${plan.polls} polls`));
    progress.update('settling');
    const held = await settledBytes(target.pid, plan.steadySeconds);
    progress.update(`measuring ${plan.seconds} s`);
    const watch = stopwatch(target.pid);
    await publisher.pace(plan.perSecond, plan.seconds * 1000);
    const stretch = watch();
    const answers = waiting.answers;
    progress.update('counting');
    await waiting.settle(publisher.sent);
    publisher.check();
    if (answers === 0) throw new BenchError('No poll was answered in the measured time.', 69);
    progress.update('settling');
    const heldAgain = await settledBytes(target.pid, plan.steadySeconds);
    return {
      scenario: plan.name,
      title: plan.title,
      figures: figures(plan, waiting, stretch, answers, { before, held, heldAgain }),
      counts: waiting.counts,
      notes: notes(stretch, waiting.failure),
    };
  } finally {
    publisher.close();
    waiting.close();
  }
}

function figures(
  plan: LongPoll,
  waiting: Waiting,
  stretch: Stretch,
  answers: number,
  { before, held, heldAgain }: Memory,
): readonly Figure[] {
  const perPoll = (bytes: number | undefined) =>
    bytes === undefined || before === undefined ? undefined : (bytes - before) / plan.polls;
  return [
    figure('memory bytes/held poll', perPoll(held), 0),
    figure('memory bytes/held poll, after the run', perPoll(heldAgain), 0),
    { ...figure('answers', answers, 0), compared: false },
    ...latencies('publish to answer', waiting.latency, stretch),
    ...latencies('last answer', waiting.last, stretch),
    ...cpu('answer', answers, stretch),
    figure('wire bytes/answer', waiting.wireBytes / waiting.answers, 1),
  ];
}

/** The clients of a run, and what reached them. */
class Waiting implements PollAudience {
  readonly target: Target;
  readonly channel: string;
  readonly counts: Counts = noCounts();
  readonly latency = new Histogram();
  /** How long each publication takes until it is in an answer to every client. */
  readonly last = new Histogram();
  failure: string | undefined;
  known: PollAudience['known'];
  /** Answers with publications. */
  answers = 0;
  wireBytes = 0;
  readonly #size: number;
  readonly #sentAt: readonly number[];
  readonly #clients: LongPollClient[] = [];
  readonly #reached: number[] = [];
  #publications = 0;

  constructor(target: Target, channel: string, size: number, sentAt: readonly number[]) {
    this.target = target;
    this.channel = channel;
    this.#size = size;
    this.#sentAt = sentAt;
  }

  /** When it resolves each client's first poll was answered, and its next sent. */
  async open(opened: (count: number) => void): Promise<void> {
    checkDescriptors(this.#size);
    let count = 0;
    const openSome = async () => {
      while (this.#clients.length < this.#size) {
        const address = sourceAddress(this.target, this.#clients.length);
        const client = new LongPollClient(this);
        this.#clients.push(client);
        await client.open(address);
        count += 1;
        opened(count);
      }
    };
    await Promise.all(Array.from({ length: opening }, openSome));
  }

  arrived(place: number, { sentAt }: Arrival): void {
    const now = performance.now();
    this.#publications += 1;
    this.latency.add(now - sentAt);
    const reached = (this.#reached[place] ?? 0) + 1;
    this.#reached[place] = reached;
    const since = this.#sentAt[place];
    if (reached === this.#size && since !== undefined) this.last.add(now - since);
  }

  answered(wireBytes: number): void {
    this.answers += 1;
    this.wireBytes += wireBytes;
  }

  /** Waits until every client has all publications, or none came for 3 s (at most 60 s), then counts what is missing. */
  async settle(sent: number): Promise<void> {
    let [before, quiet] = [-1, 0];
    for (let round = 0; round < 1200 && this.#publications < sent * this.#size && quiet < 60; round++) {
      quiet = this.#publications === before ? quiet + 1 : 0;
      before = this.#publications;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const { publications } of this.#clients) {
      if (publications < sent) this.counts.missing += sent - publications;
    }
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
