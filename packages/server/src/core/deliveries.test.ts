import { describe, expect, test } from 'vitest';
import { type CoreHost, keeping, memoryBroker, startCore, type TestClient } from '../testing/core-host.ts';
import { HeldBroker } from '../testing/held-broker.ts';
import { ScriptedHooks } from '../testing/scripted-hooks.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { DeliveryReport } from './delivery-report.ts';
import { refusedByHook } from './errors.ts';
import type { Rule } from './rules.ts';

const open = { subscribe: 'user', publish: 'user', readHistory: 'user' } as const;
const rules: readonly Rule[] = [
  { pattern: 'h:*', ...open, retention: keeping },
  { pattern: 'few:*', ...open, retention: { size: 2, ttlMs: 60_000 } },
  { pattern: 'n:*', ...open },
  { pattern: 'closed:*', ...open, subscribe: 'nobody', retention: keeping },
  {
    pattern: 'user:{uid}',
    subscribe: 'owner',
    publish: 'nobody',
    readHistory: 'owner',
    retention: keeping,
    inbox: {},
  },
];

const start = (options: Parameters<typeof startCore>[0] = {}): Promise<CoreHost> =>
  startCore({ rules, ...options });

async function login(host: CoreHost, user = 'ann', capacity?: number): Promise<TestClient> {
  const client = host.connect({ token: `token-${user}`, ...(capacity !== undefined && { capacity }) });
  await host.settle();
  return client;
}

async function subscriber(
  host: CoreHost,
  channel: string,
  more: object = {},
  capacity?: number,
): Promise<TestClient> {
  const client = await login(host, 'ann', capacity);
  await client.ask({ op: 'subscribe', channel, ...more });
  return client;
}

const explain = (
  host: CoreHost,
  channel: string,
  offset?: number,
  to: object = { user: 'ann' },
): Promise<DeliveryReport> =>
  host.node.deliveries.explain({
    channel,
    to: to as { user: string },
    ...(offset !== undefined && { offset }),
  });

const says = ({ timeline }: DeliveryReport): readonly string[] => timeline.map((entry) => entry.says);
const outcomes = ({ sessions }: DeliveryReport): readonly string[] => sessions.map(({ outcome }) => outcome);

/** Each in a turn of its own. */
async function trickle(host: CoreHost, channel: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) await publish(host, channel);
}

async function publish(host: CoreHost, channel: string, count = 1, request = {}): Promise<void> {
  for (let number = 0; number < count; number++) await host.node.publish(channel, '1', request, 'api');
  await host.settle();
}

describe('EXP1 written', () => {
  test('as it came: how it came in, where it stands, and to whom it was handed', async () => {
    const host = await start();
    const { session } = await subscriber(host, 'h:1');
    await publish(host, 'h:1');
    const report = await explain(host, 'h:1', 1);
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    expect(report).toMatchObject({
      channel: 'h:1',
      user: 'ann',
      position: { epoch, offset: 1 },
      verdict: 'written',
      sessions: [{ session, worker: 0, outcome: 'live', says: 'Written to its connection as it came.' }],
    });
    expect(report.summary).toContain("Written to 1 of 1 session of the user 'ann'.");
    expect(says(report)).toEqual([
      `the session ${session} came (line)`,
      `the session ${session} subscribed, to begin behind offset 0`,
      `came in over the server API, and was answered offset 1, epoch ${epoch}`,
      `appended to history: epoch ${epoch}, offset 1`,
      'handed on to 1 subscription',
    ]);
  });

  test('without an offset it is the newest', async () => {
    const host = await start();
    await subscriber(host, 'h:1');
    await publish(host, 'h:1', 3);
    expect((await explain(host, 'h:1')).position?.offset).toBe(3);
  });

  test('from history, to one who comes back with a position', async () => {
    const host = await start();
    await publish(host, 'h:1', 3);
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    await subscriber(host, 'h:1', { since: { epoch, offset: 1 } });
    expect(outcomes(await explain(host, 'h:1', 2))).toEqual(['replayed']);
    const before = await explain(host, 'h:1', 1);
    expect(outcomes(before)).toEqual(['had']);
    expect(before.verdict).toBe('written');
    expect(before.summary).toContain('had it already');
  });

  test('to one session of two', async () => {
    const host = await start();
    const first = await subscriber(host, 'h:1');
    const second = await login(host);
    await publish(host, 'h:1');
    const report = await explain(host, 'h:1', 1);
    expect(report.sessions.map(({ session, outcome }) => [session, outcome])).toEqual([
      [first.session, 'live'],
      [second.session, 'notSubscribed'],
    ]);
    expect(report.summary).toContain('1 of 2 sessions');
    expect(outcomes(await explain(host, 'h:1', 1, { session: second.session }))).toEqual(['notSubscribed']);
  });

  test('to a session that has ended since, and by which code that was', async () => {
    const host = await start();
    const client = await subscriber(host, 'h:1');
    await publish(host, 'h:1');
    client.connection.cut({ code: 1001, reason: 'going away' });
    await host.settle();
    const report = await explain(host, 'h:1', 1);
    expect(outcomes(report)).toEqual(['live']);
    expect(says(report).at(-1)).toBe(`the session ${client.session} ended with 1001 (going away)`);
  });

  test('and acknowledged: by which device, when', async () => {
    const host = await start();
    const client = await login(host);
    await client.ask({ op: 'subscribe', channel: 'user:ann' });
    await publish(host, 'user:ann', 2);
    expect(await explain(host, 'user:ann', 2)).toMatchObject({
      verdict: 'written',
      summary: expect.stringContaining('No device has acknowledged it.'),
    });
    await host.clock.elapse(5_000);
    await client.ask({ op: 'ack', channel: 'user:ann', offset: 1 });
    const report = await explain(host, 'user:ann', 1);
    expect(report.verdict).toBe('acknowledged');
    expect(report.summary).toMatch(/^Acknowledged by the device 'default' at 1970-01-01T00:16:45.*Z\.$/);
    expect(says(report)).toContain("the device 'default' has acknowledged everything up to offset 1");
    expect((await explain(host, 'user:ann', 2)).verdict).toBe('written');
  });
});

describe('EXP2 not written', () => {
  test('there is no session', async () => {
    const host = await start();
    await publish(host, 'h:1');
    expect(await explain(host, 'h:1', 1)).toMatchObject({ verdict: 'noSession', sessions: [] });
    expect((await explain(host, 'h:1', 1, { session: 'x' })).summary).toMatch(
      /^The session 'x' is not there/,
    );
  });

  test('no session is subscribed, and what the rule says to that', async () => {
    const host = await start();
    await login(host);
    await publish(host, 'closed:1');
    const report = await explain(host, 'closed:1', 1);
    expect(report.verdict).toBe('notSubscribed');
    expect(report.summary).toBe(
      "The user 'ann' was not subscribed then. It may not subscribe: by the rule 'closed:*' no client may; the server API may.",
    );
  });

  test('a subscribe was refused', async () => {
    const host = await start();
    const client = await subscriber(host, 'closed:1');
    await publish(host, 'closed:1');
    expect(says(await explain(host, 'closed:1', 1))).toContain(
      `the session ${client.session} was refused a subscribe: permission denied (103)`,
    );
  });

  test('it subscribed later', async () => {
    const host = await start();
    await publish(host, 'h:1', 2);
    await subscriber(host, 'h:1');
    const report = await explain(host, 'h:1', 2);
    expect([report.verdict, outcomes(report)]).toEqual(['notSubscribed', ['later']]);
    expect(report.sessions[0]?.says).toContain('behind offset 2; it named no position of before');
  });

  test('it had unsubscribed, or its session had ended', async () => {
    const host = await start();
    const one = await subscriber(host, 'h:1');
    const other = await subscriber(host, 'h:1');
    await one.ask({ op: 'unsubscribe', channel: 'h:1' });
    other.connection.cut();
    await publish(host, 'h:1');
    const report = await explain(host, 'h:1', 1);
    expect([report.verdict, outcomes(report)]).toEqual(['notSubscribed', ['left', 'left']]);
    expect(says(report)).toContain(`the subscription of ${one.session} ended`);
    expect(says(report)).toContain(`the session ${other.session} ended`);
  });

  test('it is excluded, in a channel with history and in one without', async () => {
    const host = await start();
    for (const channel of ['h:1', 'n:1']) {
      const { session } = await subscriber(host, channel);
      await publish(host, channel, 1, { exclude: { sessions: [session] } });
      const report = await explain(host, channel);
      expect([report.verdict, outcomes(report)[0]]).toEqual(['excluded', 'excluded']);
      await publish(host, channel, 1, { exclude: { users: ['ann'] } });
      expect((await explain(host, channel)).verdict).toBe('excluded');
    }
  });

  test('its socket is full: it waits, and then has come late', async () => {
    const host = await start();
    const client = await subscriber(host, 'h:1', {}, 300);
    await trickle(host, 'h:1', 40);
    const waiting = await explain(host, 'h:1', 40);
    expect([waiting.verdict, outcomes(waiting)]).toEqual(['waiting', ['waiting']]);
    expect(waiting.sessions[0]?.says).toMatch(
      /^Not written yet: its socket is full since 1970.*it has what came up to offset \d+\./,
    );
    const first = await explain(host, 'h:1', 1);
    expect(first.sessions[0]?.says).toContain('may still be on the way');
    expect(first.summary).toContain('Handed to');
    await host.clock.elapse(5_000);
    await client.messages();
    const late = await explain(host, 'h:1', 40);
    expect([late.verdict, outcomes(late)]).toEqual(['written', ['live']]);
    expect(late.sessions[0]?.says).toMatch(/^It came while its socket was full, and was written .*\.$/);
  });

  test('its socket was full to the end', async () => {
    const host = await start();
    const client = await subscriber(host, 'h:1', {}, 300);
    await trickle(host, 'h:1', 40);
    client.connection.cut();
    const report = await explain(host, 'h:1', 40);
    expect([report.verdict, outcomes(report)]).toEqual(['notSubscribed', ['left']]);
    expect(report.sessions[0]?.says).toContain('with its socket full since');
  });

  test('in a channel without history, the order of events says the same', async () => {
    const host = await start();
    const early = await subscriber(host, 'n:1');
    const slow = await subscriber(host, 'n:1', {}, 100);
    await trickle(host, 'n:1', 20);
    early.connection.cut();
    await publish(host, 'n:1');
    await subscriber(host, 'n:1');
    const report = await explain(host, 'n:1');
    expect(report.position).toBeUndefined();
    expect(Object.fromEntries(report.sessions.map(({ session, outcome }) => [session, outcome]))).toEqual({
      [early.session]: 'left',
      [slow.session]: 'waiting',
      'session-3': 'later',
    });
    await expect(explain(host, 'n:1', 1)).rejects.toMatchObject({ code: 108 });
  });

  test('it was told that it is gone: by a gap, or by recovered: false', async () => {
    const clock = new VirtualClock();
    const broker = new HeldBroker(memoryBroker(clock));
    const host = await start({ broker, clock });
    await subscriber(host, 'few:1');
    await publish(host, 'few:1');
    const { epoch } = await host.broker.history('few:1', { limit: 0 });
    broker.isDeaf = true;
    await publish(host, 'few:1', 5);
    broker.isDeaf = false;
    broker.gap('few:1');
    await host.settle();
    const report = await explain(host, 'few:1', 3);
    expect([report.verdict, outcomes(report)]).toEqual(['lost', ['lost']]);
    expect(report.sessions[0]?.says).toContain('It was told of a gap from 2 to 4, at ');
    expect(report.notes).toContain('It is no longer in history, which begins with offset 5.');
    const again = await subscriber(host, 'few:1', { since: { epoch, offset: 1 } });
    const told = await explain(host, 'few:1', 3, { session: again.session });
    expect(outcomes(told)).toEqual(['lost']);
    expect(told.sessions[0]?.says).toContain('what came before offset 5 is gone');
  });
});

describe('EXP3 the publication', () => {
  test('is not there yet, or of another epoch', async () => {
    const host = await start();
    await subscriber(host, 'h:1');
    expect(await explain(host, 'h:1', 7)).toMatchObject({
      verdict: 'unpublished',
      sessions: [],
      summary: 'Nothing was published yet.',
    });
    await publish(host, 'h:1', 2);
    expect((await explain(host, 'h:1', 7)).summary).toBe('Not published: the newest offset is 2.');
    const other = await host.node.deliveries.explain({
      channel: 'h:1',
      to: { user: 'ann' },
      offset: 7,
      epoch: 'gone',
    });
    expect(other.notes.join()).toContain("The channel's epoch is '");
  });

  test('was refused: by a rule, a rate, a schema, a hook', async () => {
    const hooks = new ScriptedHooks({
      publish: ({ data }) => {
        if (data === '"bad"') throw refusedByHook(460, 'not so');
        return undefined;
      },
    });
    const host = await start({ hooks });
    const client = await login(host);
    await client.ask({ op: 'publish', channel: 'user:bob', data: 1 });
    await client.ask({ op: 'publish', channel: 'h:1', data: 'bad' });
    expect(says(await explain(host, 'user:bob'))).toContain(
      `a publication that came in from a client, the session ${client.session} was refused: permission denied (103)`,
    );
    const report = await explain(host, 'h:1');
    expect(report.verdict).toBe('refused');
    expect(says(report).at(-1)).toMatch(/was refused: not so \(460\)$/);
  });

  test('was repeated: nothing came of that', async () => {
    const host = await start();
    for (let time = 0; time < 2; time++) {
      await publish(host, 'h:1', 1, { idempotencyKey: 'k' });
      await host.clock.elapse(1_000);
    }
    expect(says(await explain(host, 'h:1', 1)).filter((each) => each.includes('came in'))).toEqual([
      expect.stringMatching(/^came in over the server API, and was answered offset 1, epoch /),
      'came in over the server API again, with the same idempotency key: nothing was published, and it got the first answer',
    ]);
  });

  test('is out of what is remembered, and what can be said all the same', async () => {
    const host = await start();
    const { session } = await subscriber(host, 'h:1');
    await publish(host, 'h:1');
    await publish(host, 'n:other', 16_384);
    const report = await explain(host, 'h:1', 1);
    expect(report.sessions).toMatchObject([{ session, outcome: 'live' }]);
    expect(report.notes.join()).toContain('How it came in is not remembered: what is begins at 1970');
  });
});
