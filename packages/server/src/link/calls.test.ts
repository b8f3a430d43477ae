/** Methods called over a link: answers, refusals, order, and the end of either side. */
import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { tooMany } from '../core/errors.ts';
import { linked, settled } from '../testing/linked.ts';
import { Calls } from './calls.ts';

interface Desk {
  echo(...args: unknown[]): unknown;
  later(value: string): Promise<string>;
  refused(): void;
  broken(): void;
  note(text: string): void;
  unsendable(): unknown;
  hidden(): string;
}

/** A link whose primary offers a desk. */
function desk() {
  const link = linked();
  const noted: string[] = [];
  const waiting: (() => void)[] = [];
  const offered: Desk = {
    echo: (...args) => args,
    later: (value) => new Promise((resolve) => waiting.push(() => resolve(value))),
    refused: () => {
      throw tooMany({ count: 1, perMs: 1_000 }, 'things', 2_500);
    },
    broken: () => {
      throw new TypeError('a secret');
    },
    note: (text) => void noted.push(text),
    unsendable: () => () => {},
    hidden: () => 'nobody may ask this',
  };
  link.primary.calls.offer('desk', offered, [
    ...(['echo', 'later', 'refused', 'broken', 'note', 'unsendable'] as const),
  ]);
  const remote = link.worker.calls.remote<Desk>('desk');
  return { ...link, remote, told: link.worker.calls.told<Desk>('desk'), noted, waiting };
}

describe('calls', () => {
  test('carry arguments and results as they are', async () => {
    const { remote } = desk();
    const args = [
      1n,
      undefined,
      new Map([['a', new Set([1])]]),
      Buffer.from('ü'),
      { b: [Number.NaN, null] },
      '🎈',
    ];
    const answer = (await remote.echo(...args)) as unknown[];
    expect(answer).toEqual(args);
    expect(answer[2]).toBeInstanceOf(Map);
  });

  test('are answered each for itself, whoever is done first', async () => {
    const { remote, waiting } = desk();
    const answers: string[] = [];
    const asked = ['a', 'b', 'c'].map((name) => remote.later(name).then((answer) => answers.push(answer)));
    await settled();
    for (const goOn of waiting.toReversed()) {
      goOn();
      await settled(10);
    }
    await Promise.all(asked);
    expect(answers).toEqual(['c', 'b', 'a']);
  });

  test('reject with the refusal of the other end', async () => {
    const { remote, faults } = desk();
    await expect(remote.refused()).rejects.toMatchObject({
      name: 'ReplyError',
      code: 111,
      status: 429,
      retryAfterMs: 2_500,
      message: expect.stringContaining('at most 1 things'),
    });
    expect(faults).toEqual([]);
  });

  test('keep to themselves what a fault was, and log it where it happened', async () => {
    const { remote, faults } = desk();
    const error = await remote.broken().catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code: 100 });
    expect(String(error)).not.toContain('secret');
    expect(faults).toEqual(['desk.broken: TypeError: a secret']);
  });

  test('whose answer cannot be sent are refused, and the link goes on', async () => {
    const { remote, faults } = desk();
    await expect(remote.unsendable()).rejects.toMatchObject({ code: 100 });
    expect(faults).toEqual([expect.stringContaining('desk.unsendable: ')]);
    expect(await remote.echo('x')).toEqual(['x']);
  });

  test('that are too large, and answers that are, are refused, and the link goes on', async () => {
    const { primary, worker, faults } = linked();
    const failed = (name: string): void => void faults.push(name);
    const [here, there] = [primary, worker].map(({ stream }) => new Calls(stream, failed, 1_000));
    const desk = { repeat: (text: string, times: number) => text.repeat(times) };
    here?.offer('desk', desk, ['repeat']);
    const remote = there?.remote<typeof desk>('desk');
    await expect(remote?.repeat('x'.repeat(1_000), 0)).rejects.toMatchObject({ code: 106, status: 400 });
    await expect(remote?.repeat('x', 1_000)).rejects.toMatchObject({ code: 106, status: 400 });
    expect(await remote?.repeat('x', 900)).toHaveLength(900);
    expect(faults).toEqual([]);
  });

  test('reach only what is offered', async () => {
    const { remote, worker } = desk();
    await expect(remote.hidden()).rejects.toMatchObject({ code: 108 });
    await expect(worker.calls.remote<Desk>('constructor').echo()).rejects.toMatchObject({ code: 108 });
    await expect(
      worker.calls.remote<{ constructor(): void; toString(): string }>('desk').toString(),
    ).rejects.toMatchObject({ code: 108 });
  });
});

describe('calls of an end that is far behind', () => {
  test('are refused when so many wait for an answer', async () => {
    const { remote } = desk();
    const asked = Array.from({ length: limits.linkQuestions }, () => remote.echo());
    await expect(remote.echo()).rejects.toMatchObject({ code: 108, status: 503 });
    await Promise.all(asked);
    expect(await remote.echo('again')).toEqual(['again']);
  });

  test('are refused when so much waits to leave', async () => {
    const { remote } = desk();
    const part = Buffer.alloc(16_777_216);
    const asked = [0, 1, 2, 3].map(() => remote.note(part.toString('latin1')));
    await expect(remote.echo()).rejects.toMatchObject({ code: 108 });
    await Promise.all(asked);
    expect(await remote.echo('again')).toEqual(['again']);
  });
});

describe('tells', () => {
  test('arrive in order with calls', async () => {
    const { remote, told, noted } = desk();
    told.note('1');
    const asked = remote.echo('x').then(() => noted.push('answered'));
    told.note('2');
    await asked;
    expect(noted).toEqual(['1', '2', 'answered']);
  });

  test('that nobody takes, or that fail, harm nobody else', async () => {
    const { told, noted, faults, worker } = desk();
    told.broken();
    told.hidden();
    worker.calls.told<Desk>('nothing').note('x');
    told.note('after');
    await settled();
    expect(noted).toEqual(['after']);
    expect(faults).toEqual(['desk.broken: TypeError: a secret']);
  });
});

describe('an ordered answer', () => {
  /** The primary answers with a snapshot, and tells of a change in the same turn. */
  function snapshot(ordered: boolean) {
    const { primary, worker } = linked();
    const seen: string[] = [];
    worker.calls.offer('list', { changed: () => seen.push('change') }, ['changed']);
    const list = {
      read: () => {
        queueMicrotask(() => queueMicrotask(() => primary.calls.told<{ changed(): void }>('list').changed()));
        return 'snapshot';
      },
    };
    primary.calls.offer('list', list, ['read']);
    const remote = worker.calls.remote<typeof list>('list', { ordered });
    return { seen, read: () => remote.read() };
  }

  async function takenLate(read: () => Promise<string>, seen: string[]): Promise<void> {
    const answer = await read();
    // Who awaited it may need some more steps of its own.
    for (let step = 0; step < 5; step++) await Promise.resolve();
    seen.push(answer);
  }

  test('is taken before what follows it', async () => {
    const { read, seen } = snapshot(true);
    await takenLate(read, seen);
    await settled();
    expect(seen).toEqual(['snapshot', 'change']);
  });

  test('is needed for that', async () => {
    const { read, seen } = snapshot(false);
    await takenLate(read, seen);
    await settled();
    expect(seen).toEqual(['change', 'snapshot']);
  });
});

describe('the end of the link', () => {
  test('rejects what waits for an answer, and what is asked later', async () => {
    const { remote, told, primary } = desk();
    const asked = remote.later('x');
    await settled();
    primary.stream.end();
    await expect(asked).rejects.toMatchObject({ code: 108, status: 503 });
    await expect(remote.echo()).rejects.toMatchObject({ code: 108 });
    told.note('to nobody');
  });

  test('lets arrive what was sent before it', async () => {
    const { told, cut, noted } = desk();
    told.note('last words');
    await settled(3);
    cut();
    await settled();
    expect(noted).toEqual(['last words']);
  });
});
