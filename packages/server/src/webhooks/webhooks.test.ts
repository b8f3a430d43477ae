import { createHmac } from 'node:crypto';
import { limits } from '@carillon/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LifecycleName } from '../core/lifecycle.ts';
import { type Answer, Backend, type BackendRequest } from '../testing/backend.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { WebhookOptions, WebhookParts } from './webhook.ts';
import { Webhooks } from './webhooks.ts';

interface Event {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly user: string;
}

let backend: Backend;
let clock: VirtualClock;
let log: RememberingLog;
const made: Webhooks[] = [];

beforeEach(async () => {
  backend = await Backend.start(status(204));
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  log = new RememberingLog();
});
afterEach(async () => {
  for (const webhooks of made.splice(0)) {
    const closed = webhooks.close(0);
    clock.advance(0);
    await closed;
  }
  await backend.stop();
});

function status(code: number, headers: Record<string, string> = {}): Answer {
  return (res) => void res.writeHead(code, headers).end();
}

function options(changed: Partial<WebhookOptions> = {}): WebhookOptions {
  return {
    url: backend.url,
    secrets: [],
    batch: { size: 100, waitMs: 250 },
    timeoutMs: 15_000,
    headers: {},
    retries: { times: 15, firstMs: 1_000, longestMs: 300_000 },
    ...changed,
  };
}

let ids = 0;
/** `chance` is 1, so that waits are the longest that they may be. */
function start(changed: Partial<WebhookOptions> = {}, parts: Partial<WebhookParts> = {}): Webhooks {
  const newId = (): string => `id-${++ids}`;
  const bounds = { queueEvents: 1_000, queueBytes: 1_000_000 };
  const all = { clock, log, newId, ...bounds, chance: () => 1, ...parts };
  const webhooks = new Webhooks([options(changed)], all);
  made.push(webhooks);
  return webhooks;
}

function online(webhooks: Webhooks, ...users: string[]): void {
  for (const user of users) webhooks.tell('userOnline', { user });
}

function eventsOf({ body }: BackendRequest): readonly Event[] {
  return (JSON.parse(body) as { events: Event[] }).events;
}

/** The users that each request told of, in order. */
function told(): string[] {
  return backend.requests.map((request) =>
    eventsOf(request)
      .map(({ user }) => user)
      .join(),
  );
}

/** Lets the network go on until something is true. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !isTrue(); turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(isTrue()).toBe(true);
}

function figures(webhooks: Webhooks) {
  const [only] = webhooks.figures();
  if (only === undefined) throw new Error('there is no webhook');
  return only;
}

interface Report {
  readonly webhooks: readonly {
    readonly url: string;
    readonly pending: number;
    readonly failing?: { readonly attempts: number; readonly reason: string; readonly next: string };
    readonly dead_letters: readonly {
      readonly id: string;
      readonly reason: string;
      readonly status?: number;
      readonly attempts: number;
      readonly count: number;
      readonly events?: readonly Event[];
    }[];
  }[];
}

function report(webhooks: Webhooks, deadLetters = 10): Report['webhooks'][number] {
  const { webhooks: all } = JSON.parse(webhooks.report(deadLetters)) as Report;
  const [only] = all;
  if (only === undefined) throw new Error('there is no webhook');
  return only;
}

describe('WBH1 events', () => {
  test('arrive as JSON, each with an id, its type, its time and what it says', async () => {
    const webhooks = start({ headers: { 'X-Key': 'k' } });
    const client = { session: 's1', user: '7', info: { name: 'Ada' }, tags: { vip: true } };
    webhooks.tell('connect', { ...client, address: '127.0.0.1' });
    webhooks.tell('disconnect', { ...client, code: 3001, reason: 'shutdown' });
    clock.advance(250);
    await backend.arrived(1);
    const [request] = backend.requests;
    expect(request?.method).toBe('POST');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-key': 'k',
      'webhook-id': expect.stringMatching(/^id-\d+$/),
      'webhook-timestamp': '1767225600',
    });
    expect(request?.headers).not.toHaveProperty('webhook-signature');
    const time = '2026-01-01T00:00:00.000Z';
    expect(JSON.parse(request?.body ?? '')).toEqual({
      events: [
        { id: expect.any(String), type: 'connect', time, ...client, address: '127.0.0.1' },
        { id: expect.any(String), type: 'disconnect', time, ...client, code: 3001, reason: 'shutdown' },
      ],
    });
  });

  test('are made for those alone that want them', async () => {
    const webhooks = start({ events: ['userOnline', 'userOffline'] });
    const names: LifecycleName[] = ['connect', 'userOnline', 'userOffline', 'channelVacated'];
    expect(names.filter((name) => webhooks.wants(name))).toEqual(['userOnline', 'userOffline']);
    expect(
      new Webhooks([], { clock, log, newId: String, queueEvents: 1, queueBytes: 1 }).wants('connect'),
    ).toBe(false);
    webhooks.tell('channelOccupied', { channel: 'a' });
    online(webhooks, 'u');
    clock.advance(250);
    await backend.arrived(1);
    expect(told()).toEqual(['u']);
  });

  test('have one id for all webhooks that are told', async () => {
    const other = await Backend.start(status(200));
    const webhooks = start();
    webhooks.replace([options(), options({ url: other.url })]);
    online(webhooks, 'u');
    clock.advance(250);
    await Promise.all([backend.arrived(1), other.arrived(1)]);
    const [[one], [same]] = [backend.requests, other.requests];
    expect(one && eventsOf(one)).toEqual(same && eventsOf(same));
    await other.stop();
  });
});

describe('WBH2 a request', () => {
  test('goes when the first event has waited', async () => {
    const webhooks = start();
    online(webhooks, 'a', 'b');
    clock.advance(249);
    online(webhooks, 'c');
    expect(figures(webhooks).pending).toBe(3);
    clock.advance(1);
    await backend.arrived(1);
    expect(told()).toEqual(['a,b,c']);
  });

  test('goes at once when it is full, and the next one follows when it was answered', async () => {
    const webhooks = start({ batch: { size: 2, waitMs: 60_000 } });
    online(webhooks, 'a', 'b', 'c', 'd', 'e');
    await backend.arrived(2);
    await until(() => figures(webhooks).delivered === 4);
    expect(told()).toEqual(['a,b', 'c,d']);
    clock.advance(60_000);
    await backend.arrived(3);
    expect(told()).toEqual(['a,b', 'c,d', 'e']);
  });

  test('is one at a time, in order, whatever the answers take', async () => {
    const answers: (() => void)[] = [];
    backend.answer = (res) => void answers.push(() => res.writeHead(200).end());
    const webhooks = start({ batch: { size: 3, waitMs: 0 } });
    online(webhooks, ...'abcdefgh');
    for (let count = 1; count <= 4; count += 1) {
      await backend.arrived(count);
      expect(backend.requests).toHaveLength(count);
      answers[count - 1]?.();
    }
    await until(() => figures(webhooks).delivered === 8);
    expect(told()).toEqual(['a', 'b,c,d', 'e,f,g', 'h']);
    expect(backend.mostAtOnce).toBe(1);
  });

  test('is no longer than its bound, unless a single event is', async () => {
    const webhooks = start(
      { batch: { size: 100, waitMs: 0 } },
      { queueBytes: 10 * limits.webhookBatchBytes },
    );
    const long = 'x'.repeat(limits.webhookBatchBytes / 2 - 100);
    online(webhooks, 'first', long, long, long, 'y'.repeat(limits.webhookBatchBytes + 1), 'z');
    await until(() => figures(webhooks).delivered === 6);
    const lengths = backend.requests.map((request) => eventsOf(request).length);
    expect(lengths).toEqual([1, 2, 1, 1, 1]);
  });
});

describe('WBH3 a signature', () => {
  // The example of the Standard Webhooks libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

  function expected(key: Buffer, { headers, body }: BackendRequest): string {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  }

  test('is there for each secret, of its bytes', async () => {
    const webhooks = start({ secrets: [secret, 'plain text'] });
    online(webhooks, 'Käthe');
    clock.advance(250);
    await backend.arrived(1);
    const [request] = backend.requests;
    if (request === undefined) throw new Error('nothing arrived');
    const keys = [Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'), Buffer.from('plain text')];
    expect(request.headers['webhook-signature']).toBe(keys.map((key) => expected(key, request)).join(' '));
  });

  test('is made anew for each attempt, with the time of it, while id and body stay', async () => {
    const answers = [status(503), status(204)];
    backend.answer = (res, request) => answers.shift()?.(res, request);
    const webhooks = start({ secrets: [secret] });
    online(webhooks, 'u');
    clock.advance(250);
    await until(() => figures(webhooks).failures === 1);
    clock.advance(1_000);
    await backend.arrived(2);
    const [one, two] = backend.requests;
    expect(two?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
    expect(two?.body).toBe(one?.body);
    expect(Number(two?.headers['webhook-timestamp'])).toBe(Number(one?.headers['webhook-timestamp']) + 1);
    expect(two?.headers['webhook-signature']).not.toBe(one?.headers['webhook-signature']);
  });
});

describe('WBH4 what fails for now', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('as with status %i, is tried again', async (code) => {
    const answers = [status(code)];
    backend.answer = (res, request) => (answers.shift() ?? status(200))(res, request);
    const webhooks = start();
    online(webhooks, 'a');
    clock.advance(250);
    await until(() => figures(webhooks).failures === 1);
    expect(report(webhooks).failing).toMatchObject({ attempts: 1, reason: `status ${code}` });
    clock.advance(999);
    expect(backend.requests).toHaveLength(1);
    clock.advance(1);
    await until(() => figures(webhooks).delivered === 1);
    expect(told()).toEqual(['a', 'a']);
    expect(report(webhooks)).not.toHaveProperty('failing');
  });

  test('is tried after waits that double up to the longest, while what is newer waits behind it', async () => {
    backend.answer = status(500);
    const webhooks = start({
      batch: { size: 1, waitMs: 0 },
      retries: { times: 5, firstMs: 1_000, longestMs: 4_000 },
    });
    online(webhooks, 'a', 'b');
    const waits: number[] = [];
    for (let failures = 1; failures <= 5; failures += 1) {
      await until(() => figures(webhooks).failures === failures);
      waits.push(Date.parse(report(webhooks).failing?.next ?? '') - clock.now());
      clock.advance(4_000);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
    await until(() => figures(webhooks).failures === 7);
    expect(told()).toEqual(['a', 'a', 'a', 'a', 'a', 'a', 'b']);
    expect(log.lines.filter((line) => line.includes('tried again'))).toHaveLength(1);
  });

  test('waits as long as Retry-After asks, in seconds or until a time, but never longer than an hour', async () => {
    const asked = [
      '30',
      new Date(clock.now() + 250 + 30_000 + 90_000).toUTCString(),
      '1e9',
      '999999',
      'soon',
    ];
    const answers = asked.map((after) => status(429, { 'Retry-After': after }));
    backend.answer = (res, request) => (answers.shift() ?? status(200))(res, request);
    const webhooks = start();
    online(webhooks, 'a');
    clock.advance(250);
    const waits: number[] = [];
    for (let failures = 1; failures <= asked.length; failures += 1) {
      await until(() => figures(webhooks).failures === failures);
      const wait = Date.parse(report(webhooks).failing?.next ?? '') - clock.now();
      waits.push(wait);
      clock.advance(wait);
    }
    // What cannot be understood is waited for as if nothing had been said.
    expect(waits).toEqual([30_000, expect.any(Number), 4_000, 3_600_000, 16_000]);
    expect(waits[1]).toBeGreaterThan(89_000);
    await until(() => figures(webhooks).delivered === 1);
  });

  test('is a backend that is down: nothing is lost, and the order stays when it is back', async () => {
    const { port } = backend;
    await backend.stop();
    const webhooks = start({ batch: { size: 2, waitMs: 0 } });
    online(webhooks, 'a', 'b', 'c');
    await until(() => figures(webhooks).failures === 1);
    expect(report(webhooks).failing?.reason).toBe('ECONNREFUSED');
    backend = await Backend.start(status(200), port);
    online(webhooks, 'd');
    clock.advance(1_000);
    await until(() => figures(webhooks).delivered === 4);
    expect(told()).toEqual(['a', 'b,c', 'd']);
    expect(log.lines.map((line) => line.split(':')[0])).toEqual(['warn', 'info']);
  });

  test('is an answer that does not come within the time', async () => {
    backend.answer = () => {};
    const webhooks = start({ timeoutMs: 5_000 });
    online(webhooks, 'a');
    clock.advance(250);
    await backend.arrived(1);
    clock.advance(5_000);
    await until(() => figures(webhooks).failures === 1);
    expect(report(webhooks).failing?.reason).toBe('no answer within 5000 ms');
    backend.answer = status(200);
    clock.advance(1_000);
    await until(() => figures(webhooks).delivered === 1);
  });

  test('is no matter of what the answer says besides its status', async () => {
    const bodies: Answer[] = [
      (res) => void res.writeHead(200).end('x'.repeat(4 * limits.webhookAnswerBytes)),
      (res) => void res.writeHead(200).end(Buffer.from('\xff', 'latin1')),
      (res) => void res.writeHead(200, { 'Content-Length': '100' }).write('that is all', () => res.destroy()),
      (res) => void res.writeHead(200).write('it never ends'),
      status(202),
    ];
    backend.answer = (res, request) => bodies.shift()?.(res, request);
    const webhooks = start({ batch: { size: 1, waitMs: 0 } });
    online(webhooks, ...'abcde');
    await until(() => figures(webhooks).delivered === 5);
    expect(figures(webhooks).failures).toBe(0);
    expect(told()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('WBH5 a dead letter', () => {
  test.each([
    [400, 'status 400'],
    [401, 'status 401'],
    [404, 'status 404'],
    [410, 'status 410'],
    [302, 'status 302; redirects are not followed'],
  ])('is what is answered with %i, at once, and what is newer goes on', async (code, reason) => {
    const elsewhere = await Backend.start(status(200));
    const answers = [status(code, { Location: elsewhere.url })];
    backend.answer = (res, request) => (answers.shift() ?? status(200))(res, request);
    const webhooks = start({ batch: { size: 1, waitMs: 0 } });
    online(webhooks, 'a', 'b');
    await until(() => figures(webhooks).delivered === 1);
    expect(told()).toEqual(['a', 'b']);
    expect(elsewhere.requests).toEqual([]);
    const [letter] = report(webhooks).dead_letters;
    expect(letter).toMatchObject({ reason, status: code, attempts: 1, count: 1, events: [{ user: 'a' }] });
    expect(letter?.id).toBe(backend.requests[0]?.headers['webhook-id']);
    expect(log.lines[0]).toContain('error: a webhook was given up');
    await elsewhere.stop();
  });

  test('is what failed as often as it may', async () => {
    backend.answer = status(500);
    const webhooks = start({ retries: { times: 2, firstMs: 10, longestMs: 10 } });
    online(webhooks, 'a');
    clock.advance(250);
    for (let failures = 1; failures <= 3; failures += 1) {
      await until(() => figures(webhooks).failures === failures);
      clock.advance(10);
    }
    expect(figures(webhooks)).toMatchObject({ pending: 0, delivered: 0, dead: 1, kept: 1 });
    expect(report(webhooks).dead_letters).toMatchObject([{ reason: 'status 500', attempts: 3 }]);
  });

  test('is delivered again when that is asked for, under its own id, before what is newer', async () => {
    const answers = [status(400), status(400)];
    backend.answer = (res, request) => (answers.shift() ?? status(200))(res, request);
    const webhooks = start({ batch: { size: 1, waitMs: 0 } });
    online(webhooks, 'a', 'b');
    await until(() => figures(webhooks).dead === 2);
    expect(webhooks.retry({})).toEqual({ letters: 2, events: 2 });
    online(webhooks, 'c');
    await until(() => figures(webhooks).delivered === 3);
    expect(told()).toEqual(['a', 'b', 'a', 'b', 'c']);
    const sent = backend.requests.map(({ headers }) => headers['webhook-id']);
    expect(sent.slice(2, 4)).toEqual(sent.slice(0, 2));
    expect(figures(webhooks)).toMatchObject({ dead: 2, kept: 0, pending: 0 });
    expect(webhooks.retry({})).toEqual({ letters: 0, events: 0 });
  });

  test('may be asked for by its id and its webhook; another place is refused', async () => {
    backend.answer = status(400);
    const webhooks = start({ batch: { size: 1, waitMs: 0 } });
    online(webhooks, 'a', 'b');
    await until(() => figures(webhooks).dead === 2);
    const [b, a] = report(webhooks).dead_letters;
    backend.answer = status(200);
    expect(webhooks.retry({ webhook: 0, ids: [a?.id ?? '', 'unknown'] })).toEqual({ letters: 1, events: 1 });
    await until(() => figures(webhooks).delivered === 1);
    expect(report(webhooks).dead_letters.map(({ id }) => id)).toEqual([b?.id]);
    expect(() => webhooks.retry({ webhook: 1 })).toThrow(
      "'webhook' must be one of those that 'webhooks' lists",
    );
  });

  test('is asked for again, and what waits for its next attempt goes too', async () => {
    backend.answer = status(500);
    const webhooks = start();
    online(webhooks, 'a');
    clock.advance(250);
    await until(() => figures(webhooks).failures === 1);
    backend.answer = status(200);
    webhooks.retry({});
    await until(() => figures(webhooks).delivered === 1);
    expect(clock.timers).toBeLessThanOrEqual(1);
  });

  test('is shown with its events as far as an answer can carry them', async () => {
    backend.answer = status(400);
    const webhooks = start({ batch: { size: 1, waitMs: 0 } }, { queueBytes: 10_000_000 });
    const long = 'x'.repeat(limits.listedDeadBytes / 2);
    online(webhooks, long, long, long, 'short');
    await until(() => figures(webhooks).dead === 4);
    const shown = report(webhooks).dead_letters.map(({ events }) => events !== undefined);
    expect(shown).toEqual([true, true, false, false]);
    expect(report(webhooks, 0).dead_letters).toEqual([]);
  });
});

describe('WBH6 nothing disappears unsaid:', () => {
  test('where more waits than may, the oldest become dead letters', async () => {
    backend.answer = () => {};
    const webhooks = start({ batch: { size: 2, waitMs: 0 } }, { queueEvents: 4 });
    online(webhooks, ...'abcdef');
    expect(figures(webhooks)).toMatchObject({ pending: 1 + 3, dead: 2 });
    const [letter] = report(webhooks).dead_letters;
    expect(letter).toMatchObject({ reason: 'the queue was full', attempts: 0, count: 2 });
    expect(letter?.events?.map(({ user }) => user)).toEqual(['b', 'c']);
    online(webhooks, ...'ghijklmnop');
    expect(log.lines.filter((line) => line.includes('the oldest become dead letters'))).toHaveLength(1);
    const { pending, dead } = figures(webhooks);
    expect(pending + dead).toBe(16);
  });

  test('the same by bytes, also of a single event', () => {
    const webhooks = start({}, { queueBytes: 1_000 });
    online(webhooks, 'a', 'x'.repeat(2_000));
    expect(figures(webhooks)).toMatchObject({ pending: 0, dead: 2 });
  });

  test('dead letters are as many as may be; older ones are counted and logged', async () => {
    backend.answer = () => {};
    const webhooks = start({ batch: { size: 100, waitMs: 0 } }, { queueEvents: 100 });
    const count = limits.webhookDeadEvents + 1_000;
    for (let n = 0; n < count; n += 1) online(webhooks, String(n));
    const { pending, dead, kept, forgotten } = figures(webhooks);
    expect(kept).toBeLessThanOrEqual(limits.webhookDeadEvents);
    expect(pending + dead).toBe(count);
    expect(kept + forgotten).toBe(dead);
    expect(forgotten).toBeGreaterThan(0);
    expect(log.lines.filter((line) => line.includes('forgotten'))).toHaveLength(1);
    // Those that are asked for again are bounded in the same way.
    webhooks.retry({});
    for (let n = 0; n < count; n += 1) online(webhooks, String(n));
    webhooks.retry({});
    expect(figures(webhooks).pending).toBeLessThanOrEqual(limits.webhookDeadEvents + 101);
  });

  test('an event that JSON cannot carry is logged, and harms nobody', () => {
    const webhooks = start();
    const info: Record<string, unknown> = {};
    info['itself'] = info;
    webhooks.tell('connect', { session: 's', info, address: '127.0.0.1' });
    expect(log.lines).toEqual(['error: an event cannot be written as JSON; no webhook is told of it']);
  });
});

describe('WBH7 at the end', () => {
  test('everything is delivered without waiting for more', async () => {
    const webhooks = start({ batch: { size: 2, waitMs: 60_000 } });
    online(webhooks, ...'abc');
    await webhooks.close(3_000);
    expect(told()).toEqual(['a,b', 'c']);
    expect(log.lines).toEqual([]);
  });

  test('what cannot be delivered in time is lost, and the log says so', async () => {
    backend.answer = () => {};
    const webhooks = start({ batch: { size: 2, waitMs: 0 } });
    online(webhooks, ...'abc');
    await backend.arrived(1);
    const closed = webhooks.close(3_000);
    await clock.elapse(3_000);
    await closed;
    expect(log.lines).toEqual(['error: a webhook ends before everything was delivered']);
    expect(clock.timers).toBe(0);
  });
});

describe('WBH8 another list of webhooks', () => {
  test('leaves what waits where the URL is the same', async () => {
    backend.answer = status(500);
    const webhooks = start();
    online(webhooks, 'a');
    clock.advance(250);
    await until(() => figures(webhooks).failures === 1);
    backend.answer = status(200);
    webhooks.replace([options({ secrets: ['new'], events: ['userOnline'] })]);
    clock.advance(1_000);
    await until(() => figures(webhooks).delivered === 1);
    expect(backend.requests[1]?.headers).toHaveProperty('webhook-signature');
    expect(webhooks.wants('connect')).toBe(false);
  });

  test('lets one that is gone deliver the rest, and nothing new', async () => {
    const webhooks = start({ batch: { size: 100, waitMs: 60_000 } });
    online(webhooks, 'a', 'b');
    webhooks.replace([]);
    expect(webhooks.wants('userOnline')).toBe(false);
    online(webhooks, 'c');
    await until(() => webhooks.figures().length === 0);
    expect(told()).toEqual(['a,b']);
    expect(log.lines).toEqual([]);
  });

  test('may bring back one that was about to go', async () => {
    backend.answer = status(500);
    const webhooks = start();
    online(webhooks, 'a');
    webhooks.replace([]);
    await until(() => figures(webhooks).failures === 1);
    expect(report(webhooks)).toMatchObject({ leaving: true, pending: 1 });
    webhooks.replace([options()]);
    backend.answer = status(200);
    clock.advance(1_000);
    await until(() => figures(webhooks).delivered === 1);
    online(webhooks, 'b');
    clock.advance(250);
    await until(() => figures(webhooks).delivered === 2);
    expect(webhooks.figures()).toHaveLength(1);
    expect(report(webhooks)).not.toHaveProperty('leaving');
  });

  test('keeps no more of those that are about to go than there may be webhooks', async () => {
    backend.answer = status(500);
    const webhooks = start();
    for (let n = 0; n < limits.webhooks + 4; n += 1) {
      webhooks.replace([options({ url: `${backend.url}${n}` })]);
      online(webhooks, String(n));
    }
    expect(webhooks.figures()).toHaveLength(limits.webhooks);
    expect(log.lines.filter((line) => line.includes('ends before'))).toHaveLength(4);
  });
});
