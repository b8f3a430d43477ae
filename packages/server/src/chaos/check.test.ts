import { describe, expect, test } from 'vitest';
import { checkKept, checkLog, type FaultKind, type Terms } from './check.ts';
import { ReaderLog } from './log.ts';
import { type Acknowledged, closingId, type Kept, payload, type Truth } from './truth.ts';

const channel = 'chaos:1';
const durable: Terms = { durable: true, ends: 3 };
const memory: Terms = { durable: false, ends: 1 };

/** `p1:1` at offset 1, and so on. */
function kept(count: number, epoch = 'e', first = 1): Kept {
  const publications = Array.from({ length: count }, (_, index) => ({
    id: `p1:${first + index}`,
    offset: index + 1,
  }));
  return { epoch, offset: count, publications };
}

function truth(of: Kept, more: Partial<Truth> = {}): Truth {
  const acknowledged = of.publications.map(({ id, offset }) => ({ id, offset, epoch: of.epoch }));
  const sent = new Set(Array.from({ length: 50 }, (_, index) => `p1:${index + 1}`));
  return { channel, sent, acknowledged, kept: of, ...more };
}

/** A log of offsets; a pair is a number of a publication and its offset. */
function log(...came: readonly (number | readonly [number, number])[]): ReaderLog {
  const made = new ReaderLog('r1', channel);
  hear(made, 'e', came);
  return made;
}

function hear(
  to: ReaderLog,
  epoch: string | undefined,
  came: readonly (number | readonly [number, number])[],
): void {
  for (const one of came) {
    const [number, offset] = typeof one === 'number' ? [one, one] : one;
    to.message(payload(`p1:${number}`, 3), offset, epoch);
  }
}

function faults(of: ReaderLog, against: Truth, terms: Terms): [FaultKind, number][] {
  return checkLog(of, against, terms).map(({ kind, count }) => [kind, count]);
}

describe('a log of a server with a data directory', () => {
  test.each<[string, ReaderLog, [FaultKind, number][]]>([
    ['that has everything once and in order is well', log(1, 2, 3, 4, 5), []],
    ['without one in the middle has lost it', log(1, 2, 4, 5), [['lost', 1]]],
    ['without the first two has lost them', log(3, 4, 5), [['lost', 2]]],
    ['without the last has lost it', log(1, 2, 3, 4), [['lost', 1]]],
    ['without anything has lost everything', log(), [['lost', 5]]],
    ['with one twice has a repeat', log(1, 2, 2, 3, 4, 5), [['repeated', 1]]],
    ['with one again much later has a repeat', log(1, 2, 3, 4, 5, 2), [['repeated', 1]]],
    [
      'with one at two offsets has a repeat',
      log(1, 2, 3, [3, 4], 5),
      [
        ['repeated', 1],
        ['lost', 1],
      ],
    ],
    ['with two exchanged is out of order, and has lost nothing', log(1, 3, 2, 4, 5), [['reordered', 1]]],
    ['with another publication at an offset is altered', log(1, 2, [9, 3], 4, 5), [['altered', 1]]],
    ['with what nobody published is altered', log(1, 2, 3, 4, 5, [99, 6]), [['altered', 1]]],
  ])('%s', (_, of, expected) => {
    expect(faults(of, truth(kept(5)), durable)).toEqual(expected);
  });

  test('may not be told of a loss, even where nothing is missing', () => {
    const of = log(1, 2, 3);
    of.told({ epoch: 'e', to: 4 });
    hear(of, 'e', [5]);
    expect(faults(of, truth(kept(5)), durable)).toEqual([['told', 1]]);
  });

  test('may not go on in another epoch', () => {
    const of = log(1, 2);
    hear(of, 'other', [3]);
    expect(faults(of, truth(kept(3)), durable)).toEqual([['epoch', 2]]);
  });

  test('has to have each publication whole', () => {
    const of = log(1);
    of.message({ ...payload('p1:2', 40), pad: 'short' }, 2, 'e');
    expect(faults(of, truth(kept(2)), durable)).toEqual([['altered', 1]]);
  });

  test('names the first that is missing', () => {
    const [fault] = checkLog(log(1, 4, 5), truth(kept(5)), durable);
    expect(fault).toEqual({ kind: 'lost', who: 'r1', channel, count: 2, first: "'p1:2', offset 2" });
  });
});

describe('a log of a server without one', () => {
  const second = truth(kept(4, 'f', 7));

  test('is told of the end of an epoch, and has everything of the next', () => {
    const of = log(1, 2, 3);
    of.told({ epoch: 'f' });
    hear(of, 'f', [
      [7, 1],
      [8, 2],
      [9, 3],
      [10, 4],
    ]);
    expect(faults(of, second, memory)).toEqual([]);
  });

  test('may have a publication again in the next epoch, where its answer was lost', () => {
    const of = log(6, 7);
    const early = new ReaderLog('r1', channel);
    hear(early, 'e', [
      [6, 1],
      [7, 2],
    ]);
    early.told({ epoch: 'f' });
    hear(early, 'f', [
      [7, 1],
      [8, 2],
      [9, 3],
      [10, 4],
    ]);
    expect(faults(early, second, memory)).toEqual([]);
    expect(faults(of, second, memory)).not.toEqual([]);
  });

  test.each<[string, readonly (readonly [number, number])[], [FaultKind, number][]]>([
    [
      'one is missing in the new epoch',
      [
        [7, 1],
        [9, 3],
        [10, 4],
      ],
      [['lost', 1]],
    ],
    [
      'the first of the new epoch is missing',
      [
        [8, 2],
        [9, 3],
        [10, 4],
      ],
      [['lost', 1]],
    ],
    [
      'the last is missing',
      [
        [7, 1],
        [8, 2],
      ],
      [['lost', 2]],
    ],
    [
      'one came twice in the new epoch',
      [
        [7, 1],
        [8, 2],
        [8, 2],
        [9, 3],
        [10, 4],
      ],
      [['repeated', 1]],
    ],
  ])('is not excused by that where %s', (_, came, expected) => {
    const of = log(1, 2, 3);
    of.told({ epoch: 'f' });
    hear(of, 'f', came);
    expect(faults(of, second, memory)).toEqual(expected);
  });

  test('has lost, untold, what was passed over before the end of the epoch', () => {
    const of = log(1, 3);
    of.told({ epoch: 'f' });
    hear(of, 'f', [
      [7, 1],
      [8, 2],
      [9, 3],
      [10, 4],
    ]);
    expect(faults(of, second, memory)).toEqual([['lost', 1]]);
  });

  test('that never was told stands in an epoch that is gone', () => {
    expect(faults(log(1, 2, 3), second, memory).map(([kind]) => kind)).toEqual(['epoch', 'lost']);
  });

  test('without words for epochs is told of another one by being told at all', () => {
    const of = new ReaderLog('r1', channel);
    hear(of, undefined, [1, 2, 3]);
    of.told({});
    hear(of, undefined, [
      [7, 1],
      [8, 2],
      [9, 3],
      [10, 4],
    ]);
    expect(faults(of, second, memory)).toEqual([]);
  });

  test('may be told no more often than the server ended, but for what a cut has told again', () => {
    const of = log(1, 2, 3);
    of.told({ epoch: 'f' });
    of.told({ epoch: 'f' });
    hear(of, 'f', [
      [7, 1],
      [8, 2],
    ]);
    expect(faults(of, truth(kept(2, 'f', 7)), memory)).toEqual([]);
    of.told({ epoch: 'f', to: 3 });
    hear(of, 'f', [[10, 4]]);
    expect(faults(of, second, memory)).toEqual([['told', 1]]);
  });
});

describe('what the server keeps', () => {
  const five = kept(5);
  const acknowledged = truth(five).acknowledged;
  const withPlaces = (change: (of: Acknowledged) => Acknowledged | undefined) =>
    acknowledged.flatMap((one) => change(one) ?? []);

  test.each<[string, Partial<Truth>, FaultKind[]]>([
    ['all that it acknowledged is well', {}, []],
    ['more than it acknowledged is well: an answer may be lost', { acknowledged: acknowledged.slice(1) }, []],
    ['less than it acknowledged is a loss', { kept: kept(4) }, ['lost']],
    [
      'a hole is a loss',
      { kept: { ...five, publications: five.publications.filter(({ offset }) => offset !== 3) } },
      ['lost'],
    ],
    [
      'one publication twice is a repeat',
      { kept: { ...five, publications: [...five.publications, { id: 'p1:2', offset: 6 }], offset: 6 } },
      ['repeated', 'altered'],
    ],
    [
      'at another offset than it was acknowledged is altered',
      { acknowledged: withPlaces((one) => (one.offset === 5 ? { ...one, offset: 6 } : one)) },
      ['altered'],
    ],
    [
      'in another order than it was published is out of order',
      { acknowledged: acknowledged.toReversed() },
      ['reordered'],
    ],
    [
      'in another epoch than it was acknowledged is a fault',
      { acknowledged: withPlaces((one) => (one.offset === 1 ? { ...one, epoch: 'old' } : one)) },
      ['epoch'],
    ],
    ['what nobody published is altered', { sent: new Set(['p1:1', 'p1:2', 'p1:3', 'p1:4']) }, ['altered']],
  ])('%s', (_, more, expected) => {
    expect(checkKept(truth(five, more), durable).map(({ kind }) => kind)).toEqual(expected);
  });

  test('what was acknowledged in an earlier epoch is no fault without a data directory', () => {
    const old = acknowledged.map((one) => ({ ...one, epoch: 'old' }));
    expect(checkKept(truth(five, { acknowledged: old }), memory)).toEqual([]);
  });
});

test('the last publication of a channel completes its log', () => {
  const of = log(1);
  expect(of.isComplete).toBe(false);
  of.message(payload(closingId(channel), 0), 2, 'e');
  expect(of.isComplete).toBe(true);
});
