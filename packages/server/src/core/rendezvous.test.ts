import { describe, expect, test } from 'vitest';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { ReplyError } from './errors.ts';
import type { Log } from './log.ts';
import { RendezvousDesk, rendezvousRule } from './rendezvous.ts';
import { MemoryRendezvousStore } from './rendezvous-store.ts';

const ttlMs = 120_000;
const browser = { address: '203.0.113.7', agent: 'Test/1.0' };
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

async function open({ limits = { open: 100, perAddress: 10 } } = {}) {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock, newEpoch: () => 'epoch' });
  await broker.start({ publications() {}, gap() {} });
  const store = new MemoryRendezvousStore(limits);
  let [made, failing] = [0, false];
  const retention = rendezvousRule(ttlMs).retention ?? { size: 0, ttlMs: 0 };
  const desk = new RendezvousDesk({
    store,
    clock,
    log,
    ttlMs,
    newId: () => `id${++made}-`,
    publisher: {
      publish: async (channel, data, request) => {
        if (failing) throw new Error('the broker is down');
        return (await broker.publish(channel, data, { ...request, retention })) ?? {};
      },
    },
  });
  const states = async (channel: string) => {
    const { publications } = await broker.history(channel, { limit: 10 });
    return publications.map(({ data }) => JSON.parse(data) as { readonly state: string });
  };
  const breakBroker = (broken: boolean): void => {
    failing = broken;
  };
  return { clock, broker, store, desk, states, breakBroker };
}

/** The code of the refusal, and its sentence. */
async function refused(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'not refused',
    ({ code, message }: ReplyError) => `${code} ${message}`,
  );
}

describe('the way of a rendezvous', () => {
  test('created, scanned, confirmed, collected: each is published, the data never', async () => {
    const { desk, states } = await open();
    const { code, secret, channel, expires } = await desk.draw(browser);
    expect(expires).toBe(120);
    expect(channel).toMatch(/^rendezvous:/);
    expect(await desk.consume(code, secret)).toEqual({ state: 'created', expires: 120 });
    expect(await desk.scan(code, { info: '{"name":"A**a"}' })).toEqual({
      state: 'scanned',
      expires: 120,
      browser,
    });
    expect(await desk.consume(code, secret)).toEqual({ state: 'scanned', expires: 120 });
    expect(await desk.confirm(code, { data: '"ticket-1"' })).toEqual({
      state: 'confirmed',
      expires: 120,
      browser,
    });
    expect(await desk.consume(code, secret)).toEqual({ data: '"ticket-1"' });
    expect(await desk.state(code)).toEqual({ state: 'consumed', browser });
    expect(await states(channel)).toEqual([
      { state: 'created', expires: 120 },
      { state: 'scanned', expires: 120, info: { name: 'A**a' } },
      { state: 'confirmed', expires: 120 },
      { state: 'consumed' },
    ]);
  });

  test('code, secret and channel have nothing in common', async () => {
    const { desk } = await open();
    const { code, secret, channel } = await desk.draw(browser);
    expect(secret).not.toContain(code);
    expect(channel).not.toContain(code);
    expect(channel).not.toContain(secret);
  });

  test('a confirmation without a scan counts as both', async () => {
    const { desk, states } = await open();
    const { code, secret, channel } = await desk.draw(browser);
    await desk.confirm(code, { data: 'null' });
    expect(await refused(desk.scan(code))).toBe(
      '113 conflict: the rendezvous was confirmed already; there is nothing to scan',
    );
    expect(await desk.consume(code, secret)).toEqual({ data: 'null' });
    expect((await states(channel)).map(({ state }) => state)).toEqual(['created', 'confirmed', 'consumed']);
  });

  test('each step begins the time anew', async () => {
    const { desk, clock } = await open();
    const { code, secret } = await desk.draw(browser);
    await clock.elapse(119_000);
    expect(await desk.state(code)).toMatchObject({ expires: 1 });
    expect(await desk.scan(code)).toMatchObject({ expires: 120 });
    await clock.elapse(119_000);
    await desk.confirm(code, { data: '1' });
    await clock.elapse(119_000);
    expect(await desk.consume(code, secret)).toEqual({ data: '1' });
  });
});

describe('only once', () => {
  test('a second scan is refused, unless the same device repeats it', async () => {
    const { desk, states } = await open();
    const { code, channel } = await desk.draw(browser);
    const first = await desk.scan(code, { device: 'phone-1' });
    expect(await desk.scan(code, { device: 'phone-1' })).toEqual(first);
    const message = '113 conflict: the code was scanned already, by another device; draw a new one';
    expect(await refused(desk.scan(code, { device: 'phone-2' }))).toBe(message);
    expect(await refused(desk.scan(code))).toBe(message);
    expect((await states(channel)).map(({ state }) => state)).toEqual(['created', 'scanned']);
  });

  test('only the device that scanned may confirm or cancel', async () => {
    const { desk } = await open();
    const { code } = await desk.draw(browser);
    await desk.scan(code, { device: 'phone-1' });
    expect(await refused(desk.confirm(code, { data: '1', device: 'phone-2' }))).toMatch(
      /^113 .*another device/,
    );
    expect(await refused(desk.cancel(code, { device: 'phone-2' }))).toMatch(/^113 .*another device/);
    expect(await desk.confirm(code, { data: '1', device: 'phone-1' })).toMatchObject({ state: 'confirmed' });
  });

  test('it is confirmed once and collected once', async () => {
    const { desk } = await open();
    const { code, secret } = await desk.draw(browser);
    await desk.confirm(code, { data: '1' });
    expect(await refused(desk.confirm(code, { data: '2' }))).toMatch(/^113 conflict: .*confirmed already/);
    expect(await desk.consume(code, secret)).toEqual({ data: '1' });
    expect(await refused(desk.consume(code, secret))).toMatch(/^113 conflict: .*collected already/);
    expect(await refused(desk.confirm(code, { data: '3' }))).toMatch(/^113 conflict: .*collected already/);
    expect(await refused(desk.cancel(code))).toMatch(/^113 conflict: .*collected already/);
  });

  test('of many who scan or collect at the same time, one does', async () => {
    const { desk, states } = await open();
    const { code, secret, channel } = await desk.draw(browser);
    const phones = Array.from({ length: 20 }, (_, at) => refused(desk.scan(code, { device: `phone-${at}` })));
    expect((await Promise.all(phones)).filter((outcome) => outcome === 'not refused')).toHaveLength(1);
    await desk.confirm(code, { data: '1' });
    const collected = Array.from({ length: 20 }, () => refused(desk.consume(code, secret)));
    expect((await Promise.all(collected)).filter((outcome) => outcome === 'not refused')).toHaveLength(1);
    expect((await states(channel)).map(({ state }) => state)).toEqual([
      'created',
      'scanned',
      'confirmed',
      'consumed',
    ]);
  });

  test('a wrong secret learns nothing, whatever the state, and spoils nothing', async () => {
    const { desk, clock } = await open();
    const { code, secret } = await desk.draw(browser);
    const same =
      "103 permission denied: there is no rendezvous with this 'code' and 'secret'; draw a new one";
    const wrong = [secret.slice(1), `${secret}x`, '', 'x'.repeat(secret.length), code];
    const tryAll = async (): Promise<void> => {
      for (const shown of wrong) expect(await refused(desk.consume(code, shown))).toBe(same);
    };
    expect(await refused(desk.consume('no-such-code', secret))).toBe(same);
    expect(await refused(desk.consume('no-such-code', ''))).toBe(same);
    await tryAll();
    await desk.scan(code);
    await tryAll();
    await desk.confirm(code, { data: '1' });
    await tryAll();
    expect(await desk.consume(code, secret)).toEqual({ data: '1' });
    await tryAll();
    await clock.elapse(ttlMs);
    await tryAll();
  });
});

describe('the end', () => {
  test.each([
    ['created', []],
    ['scanned', ['scan']],
    ['confirmed', ['confirm']],
  ] as const)('one that was %s expires by itself, tells the browser, and is forgotten', async (_, steps) => {
    const { desk, clock, store, states } = await open();
    const { code, secret, channel } = await desk.draw(browser);
    for (const step of steps) {
      if (step === 'scan') await desk.scan(code);
      else await desk.confirm(code, { data: '"ticket"' });
    }
    await clock.elapse(ttlMs - 1);
    expect((await states(channel)).at(-1)?.state).not.toBe('expired');
    await clock.elapse(1);
    expect((await states(channel)).at(-1)).toEqual({ state: 'expired' });
    expect(store.size).toBe(0);
    const gone = '114 gone: the rendezvous has expired; draw a new one';
    expect(await refused(desk.scan(code))).toBe(gone);
    expect(await refused(desk.confirm(code, { data: '1' }))).toBe(gone);
    expect(await refused(desk.cancel(code))).toBe(gone);
    expect(await refused(desk.consume(code, secret))).toBe(gone);
    expect(await desk.state(code)).toEqual({ state: 'expired', browser });
    await clock.elapse(ttlMs);
    expect(await refused(desk.state(code))).toMatch(/^114 gone: no rendezvous has this code/);
  });

  test('one that is due is expired for whoever comes before the timer', async () => {
    const { desk, clock, store } = await open();
    const { code } = await desk.draw(browser);
    const [found] = [await store.find(code)];
    if (found !== undefined) await store.replace({ ...found, expiresAt: clock.now() }, 'created');
    expect(await refused(desk.confirm(code, { data: '1' }))).toMatch(/^114 gone: the rendezvous has expired/);
  });

  test('cancelling works until the data is collected', async () => {
    const { desk, states } = await open();
    for (const steps of [[], ['scan'], ['scan', 'confirm']]) {
      const { code, secret, channel } = await desk.draw(browser);
      if (steps.includes('scan')) await desk.scan(code);
      if (steps.includes('confirm')) await desk.confirm(code, { data: '1' });
      expect(await desk.cancel(code)).toEqual({ state: 'cancelled', browser });
      const gone = '114 gone: the rendezvous was cancelled; draw a new one';
      expect(await refused(desk.consume(code, secret))).toBe(gone);
      expect(await refused(desk.cancel(code))).toBe(gone);
      expect((await states(channel)).at(-1)).toEqual({ state: 'cancelled' });
    }
  });

  test('nothing is left behind: no record, no stream, no timer that waits for nothing', async () => {
    const { desk, clock, broker, store } = await open();
    const before = broker.bytes;
    for (let count = 0; count < 50; count++) {
      const { code, secret } = await desk
        .draw(browser, '203.0.113.7')
        .catch(() => ({ code: '', secret: '' }));
      if (code === '') continue;
      await desk.confirm(code, { data: '1' });
      await desk.consume(code, secret);
    }
    await clock.elapse(20 * ttlMs);
    expect([store.size, broker.bytes]).toEqual([0, before]);
    // The broker's own sweep.
    expect(clock.timers).toBe(1);
  });
});

describe('limits', () => {
  test('an address has so many open; an ended one makes room, others are not held to it', async () => {
    const { desk } = await open({ limits: { open: 100, perAddress: 2 } });
    const first = await desk.draw(browser, 'a');
    await desk.draw(browser, 'a');
    expect(await refused(desk.draw(browser, 'a'))).toMatch(/^111 .*rendezvous\.limits\.perAddress/);
    await desk.draw(browser, 'b');
    for (let count = 0; count < 5; count++) await desk.draw(browser);
    await desk.cancel(first.code);
    await desk.draw(browser, 'a');
    expect(await refused(desk.draw(browser, 'a'))).toMatch(/^111 /);
  });

  test('all together are so many', async () => {
    const { desk, clock } = await open({ limits: { open: 3, perAddress: 10 } });
    for (let count = 0; count < 3; count++) await desk.draw(browser);
    expect(await refused(desk.draw(browser))).toMatch(/^111 .*rendezvous\.limits\.open/);
    await clock.elapse(ttlMs);
    await desk.draw(browser);
  });

  test('info and data have a size, and one that is too large changes nothing', async () => {
    const { desk } = await open();
    const { code } = await desk.draw(browser);
    expect(await refused(desk.scan(code, { info: `"${'x'.repeat(2_047)}"` }))).toMatch(/^106 .*'info'.*2048/);
    expect(await refused(desk.confirm(code, { data: `"${'é'.repeat(4_096)}"` }))).toMatch(
      /^106 .*'data'.*8192/,
    );
    expect(await desk.state(code)).toMatchObject({ state: 'created' });
  });
});

test('a scan that the broker did not take can be repeated by the same device, and is then told', async () => {
  const { desk, states, breakBroker } = await open();
  const { code, channel } = await desk.draw(browser);
  breakBroker(true);
  expect(await refused(desk.scan(code, { device: 'phone-1' }))).toContain('the broker is down');
  breakBroker(false);
  expect(await desk.scan(code, { device: 'phone-1' })).toMatchObject({ state: 'scanned' });
  await desk.scan(code, { device: 'phone-1' });
  expect((await states(channel)).map(({ state }) => state)).toEqual(['created', 'scanned']);
});
