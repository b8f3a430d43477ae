/** Directed publish: many users with a channel each, several HTTP connections, one publication on the way per connection. */
import { ApiConnection } from './api-connection.ts';
import { payload } from './checker.ts';
import { Crowd } from './crowd.ts';
import { Histogram } from './histogram.ts';
import { cpu, figure, latencies, notes, type Outcome, rate } from './outcome.ts';
import { stopwatch } from './process-figures.ts';
import type { Progress } from './progress.ts';
import { BenchError, type Target } from './target.ts';

export interface Directed {
  readonly name: string;
  readonly title: string;
  readonly users: number;
  /** Keep-alive HTTP connections; each serves its own share of the users, so that every channel has one order. */
  readonly publishers: number;
  readonly payload: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export async function runDirected(target: Target, plan: Directed, progress: Progress): Promise<Outcome> {
  const run = `${target.prefix}${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}-`;
  const crowd = new Crowd(target, false);
  const sent = new Uint32Array(plan.users);
  const publishers: DirectedPublisher[] = [];
  try {
    await crowd.open({
      connections: plan.users,
      channelOf: (user) => run + user,
      opened: (count) => progress.update(`connecting ${count} of ${plan.users}`),
    });
    for (let first = 0; first < plan.publishers; first++) {
      const connection = await ApiConnection.open(target);
      publishers.push(new DirectedPublisher(connection, plan, run, first, sent));
    }
    return await measure(target, plan, crowd, publishers, sent, progress);
  } finally {
    for (const publisher of publishers) publisher.close();
    crowd.close();
  }
}

async function measure(
  target: Target,
  plan: Directed,
  crowd: Crowd,
  publishers: readonly DirectedPublisher[],
  sent: Uint32Array,
  progress: Progress,
): Promise<Outcome> {
  progress.update('warming up');
  for (const publisher of publishers) publisher.start();
  await watchFor(plan.warmUpSeconds, publishers);
  progress.update(`measuring ${plan.seconds} s`);
  const [latency, answer] = [new Histogram(), new Histogram()];
  crowd.latency = latency;
  for (const publisher of publishers) publisher.latency = answer;
  const before = sum(sent);
  const watch = stopwatch(target.pid);
  await watchFor(plan.seconds, publishers);
  const stretch = watch();
  const publications = sum(sent) - before;
  for (const publisher of publishers) publisher.stop();
  progress.update('counting');
  await crowd.settle((user) => sent[user] ?? 0);
  check(publishers);
  if (publications === 0) throw new BenchError('Nothing was published in the measured time.', 69);
  return {
    scenario: plan.name,
    title: plan.title,
    figures: [
      rate('publications/s', publications, stretch),
      ...latencies('delivery', latency, stretch),
      ...latencies('answer', answer, stretch),
      ...cpu('publication', publications, stretch),
      figure('wire bytes/delivery', crowd.frameBytes, 1),
    ],
    counts: crowd.counts,
    notes: notes(stretch, crowd.closeReason),
  };
}

class DirectedPublisher {
  latency: Histogram | undefined;
  readonly #connection: ApiConnection;
  readonly #plan: Directed;
  readonly #run: string;
  readonly #first: number;
  readonly #sent: Uint32Array;
  #user: number;
  #sentAt = 0;
  #running = false;

  constructor(connection: ApiConnection, plan: Directed, run: string, first: number, sent: Uint32Array) {
    this.#connection = connection;
    this.#plan = plan;
    this.#run = run;
    this.#first = first;
    this.#sent = sent;
    this.#user = first;
    connection.answered = () => this.#answered();
  }

  get failure(): string | undefined {
    return this.#connection.failure;
  }

  start(): void {
    this.#running = true;
    this.#publish();
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#connection.close();
  }

  #answered(): void {
    this.latency?.add(performance.now() - this.#sentAt);
    if (this.#running && this.failure === undefined) this.#publish();
  }

  #publish(): void {
    const user = this.#user;
    const n = this.#sent[user] ?? 0;
    this.#sentAt = performance.now();
    this.#connection.publish(this.#run + user, payload(n, this.#sentAt, this.#plan.payload));
    this.#sent[user] = n + 1;
    const next = user + this.#plan.publishers;
    this.#user = next < this.#plan.users ? next : this.#first;
  }
}

async function watchFor(seconds: number, publishers: readonly DirectedPublisher[]): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let left = seconds * 1000; left > 0; left = end - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
    check(publishers);
  }
}

function check(publishers: readonly DirectedPublisher[]): void {
  const failure = publishers.find((publisher) => publisher.failure !== undefined)?.failure;
  if (failure !== undefined) throw new BenchError(`Publishing over HTTP failed: ${failure}.`, 69);
}

function sum(values: Uint32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
