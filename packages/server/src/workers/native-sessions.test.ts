/** Requests for native sessions at one worker of several: over links, before real sessions that are polled. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionListener } from '../core/entry.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { NativeHttp } from '../transports/http/native-transport.ts';
import { type SessionKey, SpreadSessions } from './native-sessions.ts';

/** Time stands still, but turns of the event loop end. */
class TurnClock extends VirtualClock {
  override atTurnEnd(task: () => void): void {
    setImmediate(task);
  }
}

/** A worker with sessions that echo what they receive. */
interface Door {
  readonly worker: TestWorker;
  readonly native: NativeHttp;
  readonly spread: SpreadSessions;
  /** Sessions whose address may be used again. */
  readonly over: string[];
  open(): SessionKey;
}

const request = { address: '192.0.2.1', headers: {} };
const stay = new AbortController().signal;
let clock: TurnClock;
let workers: LinkedWorkers;
let one: Door;
let two: Door;

function doorOf(worker: TestWorker): Door {
  let sessions = 0;
  const over: string[] = [];
  const native = new NativeHttp({
    accept: (connection): SessionListener => ({
      session: worker.sessionId(`s${++sessions}`),
      received: (frame) => void connection.write(connection.wire.message(`{"echo":${frame}}`)),
      receivedBytes: () => {},
      drained: () => {},
      closed: () => {},
    }),
    clock,
    stallTimeoutMs: 60_000,
  });
  const spread = new SpreadSessions({ local: native, peers: worker.peers, clock });
  spread.offer(worker.calls);
  worker.serve();
  const open = (): SessionKey => {
    const key: SessionKey = JSON.parse(native.openPolls(request, () => over.push(key.session))) as SessionKey;
    return key;
  };
  return { worker, native, spread, over, open };
}

beforeEach(() => {
  clock = new TurnClock();
  workers = new LinkedWorkers({ clock });
  one = doorOf(workers.begin());
  two = doorOf(workers.begin());
});

function textOf(answer: Buffer | undefined): string | undefined {
  return answer === undefined ? undefined : Buffer.from(answer).toString();
}

/** Resolves with the text, or with what stands for an answer that is still to come. */
function nowOf(answer: Promise<Buffer | undefined>): Promise<string | undefined> {
  return Promise.race([answer.then(textOf), settled().then(() => 'held')]);
}

describe('a session that is polled, at another worker', () => {
  test('STR3 STR7 STR10 takes frames, answers polls and ends as at its own', async () => {
    const key = one.open();
    expect(await two.spread.deliver(key, ['1', '2'])).toBe('taken');
    expect(textOf(await two.spread.poll(key, 0, 1_000, stay))).toBe(
      '{"seq":1,"messages":[{"echo":1},{"echo":2}]}',
    );
    expect(await two.spread.deliver(key, ['3'])).toBe('taken');
    expect(textOf(await one.spread.poll(key, 1, 1_000, stay))).toBe('{"seq":2,"messages":[{"echo":3}]}');
    // What was not acknowledged comes again, wherever it is asked for.
    expect(textOf(await two.spread.poll(key, 1, 1_000, stay))).toBe('{"seq":2,"messages":[{"echo":3}]}');
    expect(await two.spread.end(key)).toBe(true);
    expect([await two.spread.end(key), await one.spread.deliver(key, ['4'])]).toEqual([false, 'unknown']);
    expect(one.over).toEqual([key.session]);
  });

  test('STR7 a poll is held there until something comes or its time is over', async () => {
    const key = one.open();
    const held = two.spread.poll(key, 0, 5_000, stay);
    expect(await nowOf(held)).toBe('held');
    await one.spread.deliver(key, ['1']);
    expect(textOf(await held)).toBe('{"seq":1,"messages":[{"echo":1}]}');
    const idle = two.spread.poll(key, 1, 5_000, stay);
    await settled();
    clock.advance(7_000);
    expect(textOf(await idle)).toBe('{"seq":1,"messages":[]}');
  });

  test('STR9 a poll at one worker takes the place of one that is held at another', async () => {
    const key = one.open();
    const first = two.spread.poll(key, 0, 5_000, stay);
    await settled();
    const second = one.spread.poll(key, 0, 5_000, stay);
    expect(textOf(await first)).toBe('{"seq":0,"messages":[]}');
    const third = two.spread.poll(key, 0, 5_000, stay);
    expect(textOf(await second)).toBe('{"seq":0,"messages":[]}');
    await two.spread.deliver(key, ['1']);
    expect(textOf(await third)).toContain('{"echo":1}');
  });

  test('a client that goes away ends its own poll where the session is, and no later one', async () => {
    const key = one.open();
    const gone = new AbortController();
    const left = two.spread.poll(key, 0, 5_000, gone.signal);
    await settled();
    gone.abort();
    expect(textOf(await left)).toBe('{"seq":0,"messages":[]}');
    const late = new AbortController();
    const answered = two.spread.poll(key, 0, 5_000, late.signal);
    await settled();
    const held = two.spread.poll(key, 0, 5_000, stay);
    await answered;
    late.abort();
    expect(await nowOf(held)).toBe('held');
    await one.spread.deliver(key, ['1']);
    expect(textOf(await held)).toContain('{"echo":1}');
  });

  test('STR8 what cannot be acknowledged is refused in the words of the worker that has it', async () => {
    const key = one.open();
    await expect(two.spread.poll(key, 3, 1_000, stay)).rejects.toMatchObject({ code: 107, status: 400 });
  });

  test('STR9 its address may be used again at the worker where it began, when nobody polls any more', async () => {
    const key = one.open();
    await two.spread.deliver(key, ['1']);
    expect(textOf(await two.spread.poll(key, 0, 1_000, stay))).toContain('{"echo":1}');
    expect(one.over).toEqual([]);
    clock.advance(33_000);
    expect([one.over, two.over]).toEqual([[key.session], []]);
    expect(await two.spread.poll(key, 0, 1_000, stay)).toBeUndefined();
  });
});

describe('what is not known', () => {
  test('STR6 a session that nobody has, a worker that never was, and another secret are the same', async () => {
    const { session, secret } = one.open();
    const wrong = [
      { session, secret: two.open().secret },
      { session, secret: '' },
      { session: one.worker.sessionId('s9'), secret },
      { session: '99.s1', secret },
      { session: 's1', secret },
      { session: '', secret },
    ];
    for (const key of wrong) {
      expect(await two.spread.poll(key, 0, 1_000, stay)).toBeUndefined();
      expect(await two.spread.deliver(key, ['1'])).toBe('unknown');
      expect(await two.spread.end(key)).toBe(false);
    }
    await two.spread.deliver({ session, secret }, ['2']);
    expect(textOf(await two.spread.poll({ session, secret }, 0, 1_000, stay))).toBe(
      '{"seq":1,"messages":[{"echo":2}]}',
    );
  });

  test('STR6 a worker that ends takes its sessions along, and answers what was held', async () => {
    const key = one.open();
    const held = two.spread.poll(key, 0, 5_000, stay);
    await settled();
    one.worker.end();
    expect(await held).toBeUndefined();
    expect(await two.spread.deliver(key, ['1'])).toBe('unknown');
    expect(await two.spread.end(key)).toBe(false);
  });

  test('a worker that is stuck is named in the refusal, when the poll is over and a while has passed', async () => {
    const key = { session: workers.begin().sessionId('s1'), secret: 'x' };
    const stuck = workers.begin();
    stuck.serve();
    stuck.calls.offer('native', { poll: () => new Promise(() => {}) }, ['poll']);
    const asked = two.spread.poll({ ...key, session: stuck.sessionId('s1') }, 0, 5_000, stay);
    const refused = expect(asked).rejects.toThrow(`worker ${stuck.id} does not answer`);
    await settled();
    clock.advance(9_999);
    expect(await nowOf(asked)).toBe('held');
    clock.advance(1);
    await refused;
    // The other has not begun to serve: nothing can be there.
    expect(await two.spread.poll(key, 0, 1_000, stay)).toBeUndefined();
  });
});

test('a session of this worker is reached without the link', async () => {
  const key = one.open();
  one.worker.end();
  await settled();
  expect(await one.spread.deliver(key, ['1'])).toBe('taken');
  expect(textOf(await one.spread.poll(key, 0, 1_000, stay))).toContain('{"echo":1}');
  expect(await one.spread.end(key)).toBe(true);
});
