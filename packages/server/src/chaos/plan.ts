/** What a run does, and when: everything that chance decides beforehand, as a function of the seed and the size alone. */
import { limits } from '@carillon/protocol';
import { type Random, random, shuffled } from './random.ts';

export interface Size {
  readonly seconds: number;
  readonly readers: number;
  readonly publishers: number;
  readonly channels: number;
  /** Of the server; one is a single process. */
  readonly workers: number;
  /** The server has a data directory: then it may be taken over, and nothing may be lost. */
  readonly durable: boolean;
}

export const readerKinds = ['websocket', 'sse', 'longpoll', 'sdk', 'sub-sse', 'sub-poll'] as const;
/** The SDK over one transport or (`sdk`) whichever gets through, or a bare feed of `/sub`. */
export type ReaderKind = (typeof readerKinds)[number];

export interface ReaderPlan {
  readonly name: string;
  readonly kind: ReaderKind;
  readonly channels: readonly string[];
}

export interface PublisherPlan {
  readonly name: string;
  /** The mean wait between two publications. */
  readonly pauseMs: number;
}

/** It comes `afterMs` after the one before is done, so that clients come back in between. */
export type Disturbance = { readonly afterMs: number } & (
  | { readonly kind: 'kill'; readonly downMs: number; readonly again: readonly number[] }
  | { readonly kind: 'restart'; readonly downMs: number }
  | { readonly kind: 'takeover' }
  | { readonly kind: 'pause'; readonly forMs: number }
  | Cut
  | WorkerDisturbance
);

/** What is done to single processes of a server that has several; `which` decides the worker. */
export type WorkerDisturbance =
  | { readonly kind: 'worker kill'; readonly which: number }
  | { readonly kind: 'worker pause'; readonly which: number; readonly forMs: number }
  /** All processes at once. */
  | { readonly kind: 'kill of all'; readonly downMs: number }
  | { readonly kind: 'replacement' };

/** `share` of the connections, in percent, is cut once so many more bytes went to the client; `which` decides which ones. */
export interface Cut {
  readonly afterMs: number;
  readonly kind: 'cut';
  readonly share: number;
  readonly afterBytes: number;
  readonly which: number;
}

export interface Plan {
  readonly channels: readonly string[];
  readonly readers: readonly ReaderPlan[];
  readonly publishers: readonly PublisherPlan[];
  readonly disturbances: readonly Disturbance[];
}

/** The same plan for the same seed and size, everywhere. */
export function makePlan(seed: number, size: Size): Plan {
  const channels = Array.from({ length: size.channels }, (_, index) => `chaos:${index + 1}`);
  return {
    channels,
    readers: planReaders(random(seed, 'readers'), size, channels),
    publishers: Array.from({ length: size.publishers }, (_, index) => ({
      name: `p${index + 1}`,
      pauseMs: pauseMs(size),
    })),
    disturbances: planDisturbances(random(seed, 'disturbances'), size),
  };
}

/** How long publishers wait so that all that readers may get together stays within its bound. */
function pauseMs({ seconds, readers, publishers }: Size): number {
  return Math.max(usualPauseMs, (seconds * 1000 * readers * publishers) / limits.chaosDeliveries);
}

const usualPauseMs = 15;

/** Channels of one reader at most: some transports write the events of several in other frames. */
const mostChannels = 4;

function planReaders(draw: Random, { readers, durable }: Size, channels: readonly string[]): ReaderPlan[] {
  const turns = shuffled(draw, readerKinds);
  return Array.from({ length: readers }, (_, index) => {
    const kind = turns[index % turns.length] ?? 'sdk';
    // A poll's answer does not say in which of its channels something was lost.
    const most = kind === 'sub-poll' && !durable ? 1 : Math.min(mostChannels, channels.length);
    const others = shuffled(draw, channels).slice(0, 1 + draw(most));
    // The first channel goes round, so that none is without a reader.
    const first = channels[index % channels.length] ?? 'chaos:1';
    const chosen = [...new Set([first, ...others])].slice(0, most);
    return { name: `r${index + 1} ${kind}`, kind, channels: chosen };
  });
}

const deck = {
  durable: ['kill', 'kill', 'kill', 'cut', 'cut', 'cut', 'cut', 'pause', 'pause', 'restart', 'takeover'],
  memory: ['kill', 'kill', 'cut', 'cut', 'cut', 'cut', 'pause', 'pause', 'restart'],
  /** More of these where there are several workers. */
  workers: ['worker kill', 'worker kill', 'worker kill', 'worker pause', 'kill of all', 'replacement'],
} as const;

function deckFor({ durable, workers }: Size): Disturbance['kind'][] {
  return [...(durable ? deck.durable : deck.memory), ...(workers > 1 ? deck.workers : [])];
}

function planDisturbances(draw: Random, size: Size): Disturbance[] {
  const found: Disturbance[] = [];
  const cards: Disturbance['kind'][] = [];
  for (let left = size.seconds * 1000; left > 0; ) {
    if (cards.length === 0) cards.push(...shuffled(draw, deckFor(size)));
    const afterMs = 200 + draw(1300);
    found.push(planOne(draw, cards.shift() ?? 'cut', afterMs));
    left -= afterMs;
  }
  return found;
}

function planOne(draw: Random, kind: Disturbance['kind'], afterMs: number): Disturbance {
  switch (kind) {
    case 'kill':
      // One in three is killed again while it starts.
      return { afterMs, kind, downMs: draw(600), again: draw(3) === 0 ? [50 + draw(800)] : [] };
    case 'restart':
      return { afterMs, kind, downMs: draw(300) };
    case 'takeover':
      return { afterMs, kind };
    case 'pause':
      return { afterMs, kind, forMs: draw(3) === 0 ? 1000 + draw(2500) : 50 + draw(700) };
    case 'worker kill':
      return { afterMs, kind, which: draw(1_000_000) };
    case 'worker pause':
      return { afterMs, kind, which: draw(1_000_000), forMs: 50 + draw(3_000) };
    case 'kill of all':
      return { afterMs, kind, downMs: draw(600) };
    case 'replacement':
      return { afterMs, kind };
    case 'cut': {
      const share = draw(3) === 0 ? 100 : 10 + draw(70);
      return {
        afterMs,
        kind,
        share,
        afterBytes: draw(2) === 0 ? 0 : 1 + draw(20_000),
        which: draw(1_000_000),
      };
    }
  }
}
