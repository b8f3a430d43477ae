import type { JsonText, PublishResult } from '@carillon/protocol';
import { expect, it } from 'vitest';
import { refuse } from '../../core/errors.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Channels } from './channels.ts';
import { Door } from './door.ts';
import type { Heard, Link } from './link.ts';
import { Mapping } from './mapping.ts';

/** A line to a Redis that the test speaks for, and a broker that answers when the test says so. */
async function listening(maxPending: number) {
  const clock = new VirtualClock();
  const [warnings, published]: [string[], string[]] = [[], []];
  const answers: PromiseWithResolvers<PublishResult>[] = [];
  const warn = (_: string, fields: { readonly reason?: unknown } = {}): void => {
    warnings.push(String(fields.reason));
  };
  const log = { debug: warn, info: warn, warn, error: warn };
  const publisher = {
    publish(channel: string, data: JsonText): Promise<PublishResult> {
      published.push(`${channel} ${data}`);
      answers.push(Promise.withResolvers());
      return answers.at(-1)?.promise ?? Promise.reject(new Error());
    },
  };
  const door = new Door({ publisher, maxPayloadBytes: 10, clock, log });
  const lost: string[][] = [];
  const mapping = new Mapping([{ source: 'in:*', target: '*' }]);
  const channels = new Channels({ mapping, door, lost: (names) => lost.push([...names]), clock, maxPending });
  let heard: Heard = () => undefined;
  const gone = Promise.withResolvers<never>();
  const link: Link = {
    endpoint: { path: '/redis' },
    place: '/redis',
    lost: gone.promise,
    ask: () => Promise.resolve(null),
    subscribe: () => Promise.resolve(),
    subscribePattern: async (_, listener) => {
      heard = listener;
    },
    close: () => gone.reject(new Error('closed')),
  };
  const up = Promise.withResolvers<void>();
  const closing = new AbortController();
  const working = channels.work(link, up.resolve, closing.signal);
  await up.promise;
  const say = (name: string | Buffer, payload: string): void =>
    heard(Buffer.from(payload), Buffer.isBuffer(name) ? name : Buffer.from(name));
  return { say, answers, published, lost, door, warnings, clock, working, closing };
}

it('publishes in the turn in which Redis hands over', async () => {
  const { say, published } = await listening(10);
  say('in:a', '1');
  say('in:b', 'x');
  expect(published).toEqual(['a 1', 'b "x"']);
});

it('past what may wait for the broker, tells the subscribers once a turn instead of piling up', async () => {
  const { say, published, lost, door, clock, answers } = await listening(2);
  for (const name of ['in:a', 'in:a', 'in:a', 'in:b', 'in:b']) say(name, '1');
  expect(published).toEqual(['a 1', 'a 1']);
  expect(lost).toEqual([]);
  clock.flushTurn();
  expect(lost).toEqual([['a', 'b']]);
  expect(door.refused).toBe(3);
  for (const { resolve } of answers) resolve({});
  await new Promise(setImmediate);
  say('in:a', '2');
  expect(published).toHaveLength(3);
});

it('a broker that does not take it is a loss that is told, a name that cannot be is none', async () => {
  const { say, answers, lost, clock, door, warnings } = await listening(10);
  say('in:a', '1');
  answers[0]?.reject(refuse('notAvailable', 'not now'));
  await new Promise(setImmediate);
  clock.flushTurn();
  expect(lost).toEqual([['a']]);
  say('in:$reserved', '1');
  say('in:a', 'more than ten');
  await new Promise(setImmediate);
  clock.flushTurn();
  expect(lost).toEqual([['a']]);
  expect(door.refused).toBe(3);
  expect(door.received).toEqual({ channel: 0, stream: 0, list: 0 });
  expect(warnings).toEqual(['not available: not now']);
});

it('refuses a Redis channel whose name is empty where it must not be, too long, or no text', async () => {
  const { say, published, door } = await listening(10);
  say('in:', '1');
  say(`in:${'x'.repeat(2_000)}`, '1');
  say(Buffer.from([0x69, 0x6e, 0x3a, 0xff]), '1');
  expect(published).toEqual([]);
  expect(door.refused).toBe(3);
});

it('ends when it is closed', async () => {
  const { working, closing } = await listening(10);
  closing.abort();
  await expect(working).resolves.toBeUndefined();
});
