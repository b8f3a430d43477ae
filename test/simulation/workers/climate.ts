/** What a world of several processes is like; all of it drawn from the seed. */
import type { LinkBounds } from '../../../packages/server/src/brokers/link/worker-link.ts';
import { pick, type Random } from '../../support/random.ts';

export interface Climate {
  readonly workers: number;
  /** Whether the primary has a log that outlives it. */
  readonly hasLog: boolean;
  readonly logStepMs: number;
  readonly kills: boolean;
  readonly pauses: boolean;
  /** Whether the thread of the log dies now and then. */
  readonly deaths: boolean;
  readonly delayMs: number;
  readonly pieceBytes: number;
  readonly capacity: number;
  readonly bounds: LinkBounds;
  /** Characters that publications are padded with, at most. */
  readonly padding: number;
  readonly laneLogBytes: number;
  readonly historySize: number;
  readonly historyTtlMs: number;
  readonly readers: number;
}

/** `isFaulty`: its log is wrong, and shows it when processes are killed. */
export function drawClimate(draw: Random, isFaulty: boolean): Climate {
  const hasLog = draw(5) < 3 || isFaulty;
  const fullBytes = pick(draw, [300, 3_000, 100_000]);
  return {
    workers: 2 + draw(3),
    hasLog,
    logStepMs: draw(6),
    kills: draw(4) > 0 || isFaulty,
    pauses: draw(2) === 0,
    deaths: hasLog && draw(4) === 0 && !isFaulty,
    delayMs: draw(3) === 0 ? 0 : 1 + draw(8),
    pieceBytes: pick(draw, [60, 1_000, 100_000]),
    capacity: pick(draw, [200, 5_000, 200_000]),
    bounds: { fullBytes, patienceMs: 5 + draw(40), waitingBytes: fullBytes * pick(draw, [1, 4, 16]) },
    padding: pick(draw, [0, 50, 400, 2_000]),
    laneLogBytes: pick(draw, [0, 300, 3_000, 1_048_576]),
    historySize: 1 + draw(draw(3) === 0 ? 8 : 200),
    historyTtlMs: pick(draw, [60, 400, 60_000, 60_000]),
    readers: 2 + draw(6),
  };
}
