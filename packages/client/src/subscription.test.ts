import { describe, expect, test, vi } from 'vitest';
import type { CarillonError } from './errors.ts';
import { event, result, start } from './testing/scripted-client.ts';

/** Keeps a rejection for later. */
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: CarillonError) => error,
  );

describe('state', () => {
  test('goes from unsubscribed over subscribing to subscribed and back', async () => {
    const { transport, channel, states } = await start();
    const subscribed = channel.subscribe();
    expect(channel.state).toBe('subscribing');
    await Promise.resolve();
    transport.last.answer('subscribe', result);
    expect(await subscribed).toEqual(result);
    const unsubscribed = channel.unsubscribe();
    transport.last.answer('unsubscribe');
    await unsubscribed;
    expect(states).toEqual(['subscribing 2020', 'subscribed 2021', 'unsubscribed 2022']);
  });

  test('the first message listener subscribes, once, and a following subscribe may say from where', async () => {
    const { transport, channel, timers } = await start();
    channel.on('message', () => {});
    channel.on('message', () => {});
    void channel.subscribe({ last: 5 });
    await timers.pass(0);
    expect(transport.last.sent).toEqual([{ id: 1, op: 'subscribe', channel: 'a', last: 5 }]);
  });

  test('from where cannot be said once it is asked for', async () => {
    const { channel, timers } = await start();
    void channel.subscribe();
    await timers.pass(0);
    await expect(channel.subscribe({ last: 5 })).rejects.toMatchObject({ code: 105 });
  });

  test('a second subscribe gets the same answer', async () => {
    const { transport, channel, timers } = await start();
    const first = channel.subscribe();
    const second = channel.subscribe();
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    expect([await first, await second, await channel.subscribe()]).toEqual([result, result, result]);
    expect(transport.last.sent).toHaveLength(1);
  });
});

describe('events that arrive together with the reply', () => {
  test('all of them reach the handler, in order', async () => {
    const { transport, channel, timers } = await start();
    const heard: unknown[] = [];
    channel.on('message', (data, { offset, recovered }) => heard.push([data, offset, recovered]));
    void channel.subscribe({ last: 1 });
    await timers.pass(0);
    const { id } = transport.last.command('subscribe');
    transport.last.receive({ id, result }, event(3), event(4));
    expect(heard).toEqual([
      ['d3', 3, true],
      ['d4', 4, false],
    ]);
  });
});

describe('a refusal', () => {
  test('rejects, and ends the subscription with the same reason', async () => {
    const { transport, channel, states, timers, reconnect, errors } = await start();
    const refused = caught(channel.subscribe());
    await timers.pass(0);
    transport.last.refuse('subscribe', 103, 'permission denied');
    expect(await refused).toMatchObject({ name: 'CarillonError', code: 103, message: 'permission denied' });
    expect(states.at(-1)).toBe('unsubscribed 103');
    await reconnect();
    expect(transport.last.sent).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('that nobody awaits is an error event', async () => {
    const { transport, carillon, errors, timers } = await start();
    carillon.channel('b').on('message', () => {});
    await timers.pass(0);
    transport.last.refuse('subscribe', 102);
    expect(errors).toMatchObject([{ code: 102 }]);
  });

  test.each([100, 108, 111])('with %i is temporary: it is asked again', async (code) => {
    const { transport, channel, timers, states } = await start();
    const subscribed = channel.subscribe();
    await timers.pass(0);
    transport.last.refuse('subscribe', code);
    expect(states.at(-1)).toBe(`subscribing ${code}`);
    await timers.pass(600);
    transport.last.answer('subscribe', result);
    expect(await subscribed).toEqual(result);
  });

  test.each([101, 109])('with %i gets a fresh token once', async (code) => {
    const token = vi.fn(() => 'secret');
    const { transport, channel, timers } = await start({ token });
    const refused = caught(channel.subscribe());
    transport.last.answer('auth', { session: 's' });
    await timers.pass(0);
    transport.last.refuse('subscribe', code);
    await timers.pass(600);
    transport.last.callbacks.opened();
    transport.last.answer('auth', { session: 's' });
    await timers.pass(0);
    transport.last.refuse('subscribe', code);
    expect(await refused).toMatchObject({ code });
    expect(token).toHaveBeenCalledTimes(2);
  });

  test('of a position begins anew and tells the gap', async () => {
    const { transport, channel, timers } = await start();
    const gaps: unknown[] = [];
    channel.on('gap', (gap) => gaps.push(gap));
    void channel.subscribe({ since: { epoch: 'old', offset: 9 } });
    await timers.pass(0);
    transport.last.refuse('subscribe', 112);
    expect(transport.last.command('subscribe')['since']).toBeUndefined();
    transport.last.answer('subscribe', result);
    expect(gaps).toMatchObject([{ channel: 'a', reason: { code: 2023 } }]);
  });

  test('is a silent server too: the connection is given up', async () => {
    const { transport, channel, timers } = await start();
    void channel.subscribe();
    await timers.pass(10_600);
    expect(transport.connections).toHaveLength(2);
    transport.last.callbacks.opened();
    expect(transport.last.command('subscribe')).toMatchObject({ channel: 'a' });
  });
});

describe('unsubscribe', () => {
  test('nothing of the channel reaches the handler from there on', async () => {
    const { transport, channel, timers } = await start();
    const heard: unknown[] = [];
    channel.on('message', (data) => heard.push(data));
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    void channel.unsubscribe();
    transport.last.receive(event(4));
    expect(heard).toEqual([]);
  });

  test('while subscribing: what was asked for is taken back', async () => {
    const { transport, channel, timers } = await start();
    const refused = caught(channel.subscribe());
    await timers.pass(0);
    const unsubscribed = channel.unsubscribe();
    expect(await refused).toMatchObject({ code: 2022 });
    transport.last.answer('subscribe', result);
    transport.last.answer('unsubscribe');
    await unsubscribed;
    expect(transport.last.sent.map(({ op }) => op)).toEqual(['subscribe', 'unsubscribe']);
  });

  test('before anything was asked: nothing is', async () => {
    const { transport, channel, timers } = await start();
    channel.on('message', () => {});
    await channel.unsubscribe();
    await timers.pass(0);
    expect(transport.last.sent).toEqual([]);
  });

  test('and subscribe again: the second begins when the first has ended', async () => {
    const { transport, channel, timers, states } = await start();
    void caught(channel.subscribe());
    await timers.pass(0);
    void channel.unsubscribe();
    const again = channel.subscribe({ last: 1 });
    const heard: unknown[] = [];
    channel.on('message', (data) => heard.push(data));
    transport.last.answer('subscribe', result);
    transport.last.receive(event(4));
    transport.last.answer('unsubscribe');
    expect(transport.last.sent.map(({ op }) => op)).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
    transport.last.answer('subscribe', { ...result, offset: 4 });
    transport.last.receive(event(4));
    await again;
    expect(heard).toEqual(['d4']);
    expect(states.at(-1)).toBe('subscribed 2021');
  });

  test('a cut is an end too', async () => {
    const { transport, channel, timers, reconnect } = await start();
    void channel.subscribe();
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    const unsubscribed = channel.unsubscribe();
    await reconnect();
    await unsubscribed;
    expect(transport.last.sent).toEqual([]);
  });
});

describe('the server', () => {
  test('may end a subscription, and it stays ended', async () => {
    const { transport, channel, timers, states, reconnect } = await start();
    void channel.subscribe();
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    transport.last.receive({ event: 'a', type: 'unsubscribed', code: 103, msg: 'no longer' });
    expect(states.at(-1)).toBe('unsubscribed 103');
    await reconnect();
    expect(transport.last.sent).toEqual([]);
    expect(channel.position).toEqual({ epoch: 'e', offset: 3 });
  });

  test('may tell events that nobody subscribed to, or of a kind that is not known', async () => {
    const { transport, channel, timers, carillon, errors } = await start();
    const heard: unknown[] = [];
    channel.on('message', (data) => heard.push(data));
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    transport.last.receive({ event: 'b', data: 1 }, { event: 'a', type: 'later' }, { id: 99, result: 1 });
    expect([heard, errors, carillon.state]).toEqual([[], [], 'connected']);
  });
});

describe('for await', () => {
  test('subscribes, reads in order, and ends with unsubscribe', async () => {
    const { transport, channel, timers } = await start();
    const heard: unknown[] = [];
    const read = (async () => {
      for await (const { data } of channel) heard.push(data);
    })();
    await timers.pass(0);
    transport.last.answer('subscribe', result);
    transport.last.receive(event(4), event(5));
    await timers.pass(0);
    void channel.unsubscribe();
    await read;
    expect(heard).toEqual(['d4', 'd5']);
  });

  test('throws where the subscription is refused, and where the client is turned away', async () => {
    const { transport, channel, carillon, timers } = await start();
    const refused = caught(channel[Symbol.asyncIterator]().next());
    await timers.pass(0);
    transport.last.refuse('subscribe', 103);
    expect(await refused).toMatchObject({ code: 103 });
    const turnedAway = caught(carillon.channel('b')[Symbol.asyncIterator]().next());
    await timers.pass(0);
    transport.last.callbacks.closed(3503, 'force disconnect');
    expect(await turnedAway).toMatchObject({ code: 3503 });
  });

  test('ends with close()', async () => {
    const { channel, carillon, timers } = await start();
    const next = channel[Symbol.asyncIterator]().next();
    await timers.pass(0);
    carillon.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
