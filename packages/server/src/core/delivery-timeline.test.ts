/** Words about repeats, where clocks of several processes tell what came first. */
import { expect, test } from 'vitest';
import type { ProcessFacts } from './delivery-facts.ts';
import { timelineOf } from './delivery-timeline.ts';

const question = { channel: 'a', to: { user: 'ann' }, position: { epoch: 'e', offset: 7 } };
const place = { channel: 'a', epoch: 'e', offset: 7 };

interface Case {
  readonly worker?: number;
  readonly cameAt: number;
  readonly handedAt?: number;
  /** As history has it, in whole milliseconds of the process that keeps it. */
  readonly keptAt: number;
}

/** Whether a publication with an idempotency key, the only one that is remembered, is called a repeat. */
function isRepeat({ worker, cameAt, handedAt, keptAt }: Case): boolean {
  const facts: ProcessFacts = {
    ...(worker !== undefined && { worker }),
    published: [{ ...place, at: cameAt, way: 'api', session: '', isKeyed: true }],
    handed:
      handedAt === undefined
        ? []
        : [{ ...place, at: handedAt, listeners: 1, exclude: undefined, workers: undefined }],
    refusals: [],
    acknowledged: [],
    stories: [],
  };
  const entries = timelineOf({ question, facts: [facts] }, { kept: { at: keptAt }, acknowledgements: [] });
  return entries.some(({ says }) => says.includes('again, with the same idempotency key'));
}

test('EXP4 a worker whose clock is ahead of its primary does not make a repeat of what it published', () => {
  expect(isRepeat({ worker: 1, cameAt: 100_001.5, keptAt: 100_000 })).toBe(false);
  expect(isRepeat({ worker: 1, cameAt: 100_900, keptAt: 100_000 })).toBe(false);
  expect(isRepeat({ worker: 1, cameAt: 100_900, handedAt: 100_901, keptAt: 100_000 })).toBe(false);
});

test('EXP4 a repeat whose first is forgotten is known by the time, or by what was handed on before it came', () => {
  expect(isRepeat({ worker: 1, cameAt: 102_000, keptAt: 100_000 })).toBe(true);
  expect(isRepeat({ worker: 1, cameAt: 100_900, handedAt: 100_002, keptAt: 100_000 })).toBe(true);
});

test('EXP4 a single process has one clock, and is exact', () => {
  expect(isRepeat({ cameAt: 100_001, keptAt: 100_000 })).toBe(true);
  expect(isRepeat({ cameAt: 100_000.5, keptAt: 100_000 })).toBe(false);
});
