/** One channel, many subscribers, one publisher: flat out with a number in flight, or at a rate. */
import { Crowd, type Transport } from './crowd.ts';
import { Histogram } from './histogram.ts';
import { cpu, type Figure, figure, latencies, notes, type Outcome, rate } from './outcome.ts';
import { type Stretch, stopwatch } from './process-figures.ts';
import type { Progress } from './progress.ts';
import { Publisher } from './publisher.ts';
import { BenchError, type Target } from './target.ts';

export interface FanOut {
  readonly name: string;
  readonly title: string;
  readonly transport?: Transport;
  readonly subscribers: number;
  /** Bytes of `data` as JSON text. */
  readonly payload: number;
  readonly load: { readonly inFlight: number } | { readonly perSecond: number };
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export async function runFanOut(target: Target, plan: FanOut, progress: Progress): Promise<Outcome> {
  const channel = `${target.prefix}${plan.name}-${Math.random().toString(16).slice(2, 8).padEnd(6, '0')}`;
  const crowd = new Crowd(target, true);
  let publisher: Publisher | undefined;
  try {
    await crowd.open({
      transport: plan.transport,
      connections: plan.subscribers,
      channelOf: () => channel,
      opened: (count) => progress.update(`connecting ${count} of ${plan.subscribers}`),
    });
    publisher = await Publisher.open(target, channel, plan.payload);
    return await measure(target, plan, crowd, publisher, progress);
  } finally {
    publisher?.close();
    crowd.close();
  }
}

async function measure(
  target: Target,
  plan: FanOut,
  crowd: Crowd,
  publisher: Publisher,
  progress: Progress,
): Promise<Outcome> {
  const last = new LastReached(plan.subscribers, publisher.sentAt);
  if ('perSecond' in plan.load) crowd.arrived = (from, to) => last.arrived(from, to);
  progress.update('warming up');
  await drive(publisher, plan.load, plan.warmUpSeconds);
  progress.update(`measuring ${plan.seconds} s`);
  const before = { frames: crowd.frames, bytes: receivedBytes(crowd), sent: publisher.sent };
  const latency = new Histogram();
  crowd.latency = latency;
  last.latency = new Histogram();
  const watch = stopwatch(target.pid);
  await drive(publisher, plan.load, plan.seconds);
  const stretch = watch();
  const after = { frames: crowd.frames, bytes: receivedBytes(crowd), sent: publisher.sent };
  publisher.keepInFlight(0);
  progress.update('counting');
  await crowd.settle(() => publisher.sent);
  publisher.check();
  const deliveries = after.frames - before.frames;
  if (deliveries === 0) throw new BenchError('Nothing was delivered in the measured time.', 69);
  return {
    scenario: plan.name,
    title: plan.title,
    figures: figures(
      plan,
      stretch,
      deliveries,
      after.sent - before.sent,
      latency,
      last,
      (after.bytes - before.bytes) / deliveries,
    ),
    counts: crowd.counts,
    notes: notes(stretch, crowd.closeReason),
  };
}

function figures(
  plan: FanOut,
  stretch: Stretch,
  deliveries: number,
  publications: number,
  latency: Histogram,
  last: LastReached,
  bytes: number,
): readonly Figure[] {
  const reached = 'perSecond' in plan.load ? latencies('last subscriber', last.latency, stretch) : [];
  return [
    rate('deliveries/s', deliveries, stretch),
    { ...figure('publications/s', publications / stretch.seconds, 0), compared: false },
    ...latencies('latency', latency, stretch),
    ...reached,
    ...cpu('delivery', deliveries, stretch),
    figure('wire bytes/delivery', bytes, 1),
  ];
}

async function drive(publisher: Publisher, load: FanOut['load'], seconds: number): Promise<void> {
  if ('perSecond' in load) return publisher.pace(load.perSecond, seconds * 1000);
  publisher.keepInFlight(load.inFlight);
  const end = performance.now() + seconds * 1000;
  for (let left = seconds * 1000; left > 0; left = end - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
    publisher.check();
  }
}

function receivedBytes(crowd: Crowd): number {
  let bytes = 0;
  for (const subscriber of crowd.subscribers) bytes += subscriber.bytes;
  return bytes;
}

/** How long each publication takes to reach the last of all subscribers. */
class LastReached {
  latency = new Histogram();
  readonly #subscribers: number;
  readonly #sentAt: readonly number[];
  readonly #reached: number[] = [];

  constructor(subscribers: number, sentAt: readonly number[]) {
    this.#subscribers = subscribers;
    this.#sentAt = sentAt;
  }

  arrived(from: number, to: number): void {
    for (let n = from; n < to; n++) {
      const count = (this.#reached[n] ?? 0) + 1;
      this.#reached[n] = count;
      const sentAt = this.#sentAt[n];
      if (count === this.#subscribers && sentAt !== undefined) this.latency.add(performance.now() - sentAt);
    }
  }
}
