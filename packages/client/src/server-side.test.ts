import { expect, test } from 'vitest';
import { event, result, start, told } from './testing/scripted-client.ts';

/** The server side subscribes this session to channel `a` at its offset 3. */
const granted = { event: 'a', type: 'subscribed', epoch: 'e', offset: 3, recoverable: true };

test('ADR1: what is sent to the client itself reaches it, whatever the event is called', async () => {
  const { transport, carillon } = await start();
  const heard: unknown[] = [];
  carillon.on('message', (data, { event, binary }) => heard.push([event, data, binary]));
  transport.last.receive(
    { event: 'message', data: { n: 1 } },
    { event: 'kick', data: null },
    { event: 'bytes', data: 'AA==', binary: true },
    { event: 'a', data: 'a channel of nobody' },
    { event: 'later', type: 'unknown', data: 1 },
  );
  expect(heard).toEqual([
    ['message', { n: 1 }, undefined],
    ['kick', null, undefined],
    ['bytes', 'AA==', true],
    ['a', 'a channel of nobody', undefined],
  ]);
});

test('ADR1: publications of a channel are no messages of the client, also while it leaves', async () => {
  const { transport, carillon, channel, timers } = await start();
  const heard: unknown[] = [];
  carillon.on('message', (data) => heard.push(data));
  const list = told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  transport.last.receive(event(4));
  void channel.unsubscribe();
  transport.last.receive(event(5));
  expect([heard, list]).toEqual([[], ['d4']]);
});

test('ADR10: a channel that the server side subscribed the client to is told by name, and brings its messages', async () => {
  const { transport, carillon, channel, states } = await start();
  const names: string[] = [];
  const list: unknown[] = [];
  carillon.on('subscribed', (name) => {
    names.push(name);
    carillon.channel(name).on('message', (data) => list.push(data));
  });
  transport.last.receive(granted, event(4), { ...granted, event: 'b' }, { event: 'b', data: 'x', offset: 4 });
  expect([names, list]).toEqual([
    ['a', 'b'],
    ['d4', 'x'],
  ]);
  expect([channel.state, channel.position, states]).toEqual([
    'subscribed',
    { epoch: 'e', offset: 4 },
    ['subscribed 2021'],
  ]);
  expect(await channel.subscribe()).toMatchObject({ epoch: 'e', offset: 3 });
  expect(transport.last.sent).toEqual([]);
});

test('ADR10: after a cut the client subscribes to it by itself, and recovers', async () => {
  const { transport, channel, reconnect } = await start();
  transport.last.receive(granted);
  const list = told(channel);
  transport.last.receive(event(4));
  await reconnect();
  expect(transport.last.command('subscribe')).toMatchObject({
    channel: 'a',
    since: { epoch: 'e', offset: 4 },
  });
  transport.last.answer('subscribe', { ...result, offset: 6, recovered: true });
  transport.last.receive(event(5), event(6));
  expect(list).toEqual(['d4', 'recovered 4', 'd5', 'd6']);
});

test('ADR10: where the rules do not admit the client, the loss is told, and again what is missing once the server side is back', async () => {
  const { transport, carillon, channel, states, reconnect } = await start();
  const names: string[] = [];
  carillon.on('subscribed', (name) => names.push(name));
  transport.last.receive(granted);
  const list = told(channel);
  transport.last.receive(event(4));
  await reconnect();
  transport.last.refuse('subscribe', 103);
  expect(states.at(-1)).toBe('unsubscribed 103');
  transport.last.receive({ ...granted, offset: 9 }, event(10));
  expect(states.at(-1)).toBe('subscribed 2021');
  expect(list).toEqual(['d4', 'gap 2023 from 5', 'd10']);
  // It is listened to already.
  expect(names).toEqual(['a']);
});

test('ADR10: such a refusal that nobody hears is an error event', async () => {
  const { transport, errors, reconnect } = await start();
  transport.last.receive({ ...granted, event: 'b' });
  await reconnect();
  transport.last.refuse('subscribe', 103);
  expect(errors).toMatchObject([{ code: 103 }]);
});

test('ADR10: nothing is told where nothing was published meanwhile', async () => {
  const { transport, channel, reconnect } = await start();
  transport.last.receive(granted);
  const list = told(channel);
  await reconnect();
  transport.last.refuse('subscribe', 103);
  transport.last.receive(granted, event(4));
  expect(list).toEqual(['d4']);
});

test('ADR10: the server side is first, and the rules admit the client too: it subscribes anew with its place', async () => {
  const { transport, channel, timers, reconnect } = await start();
  const list = told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  await reconnect();
  transport.last.receive({ ...granted, offset: 5 }, event(6));
  transport.last.refuse('subscribe', 105);
  transport.last.answer('unsubscribe');
  expect(transport.last.sent.map(({ op }) => op)).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
  expect(transport.last.command('subscribe')['since']).toEqual({ epoch: 'e', offset: 3 });
  transport.last.answer('subscribe', { ...result, offset: 6, recovered: true });
  transport.last.receive(event(4), event(5), event(6), event(7));
  expect(list).toEqual(['recovered 3', 'd4', 'd5', 'd6', 'd7']);
});

test('ADR10: the server side is first, and the rules do not admit the client: it takes what it was given, with a gap', async () => {
  const { transport, channel, timers, reconnect, states } = await start();
  const list = told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  await reconnect();
  transport.last.receive({ ...granted, offset: 5 }, event(6));
  transport.last.refuse('subscribe', 103);
  transport.last.receive(event(7));
  expect(list).toEqual(['gap 2023 from undefined', 'd7']);
  expect(states.at(-1)).toBe('subscribed 2021');
});

test('ADR10: the server side is first, and took it back before the refusal: it is refused', async () => {
  const { transport, channel, timers, reconnect, states } = await start();
  told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  await reconnect();
  transport.last.receive(granted, { event: 'a', type: 'unsubscribed', code: 3503, msg: 'unsubscribed' });
  transport.last.refuse('subscribe', 103);
  expect(states.at(-1)).toBe('unsubscribed 103');
});

test('ADR10: a subscribe under way that begins with what comes is content with the server side’s', async () => {
  const { transport, channel, timers, states } = await start();
  const subscribed = channel.subscribe();
  await timers.pass(0);
  const list = told(channel);
  transport.last.receive(granted, event(4));
  expect(await subscribed).toMatchObject({ offset: 3, recoverable: true });
  transport.last.refuse('subscribe', 105);
  transport.last.receive(event(5));
  expect(list).toEqual(['d4', 'd5']);
  expect(states).toEqual(['subscribing 2020', 'subscribed 2021']);
});

test('ADR10: a subscribe that was taken back meanwhile leaves what the server side gave', async () => {
  const { transport, channel, timers } = await start();
  void channel.subscribe({ last: 1 }).catch(() => {});
  await timers.pass(0);
  const unsubscribed = channel.unsubscribe();
  transport.last.receive(granted);
  transport.last.refuse('subscribe', 105);
  transport.last.answer('unsubscribe');
  await unsubscribed;
  expect(transport.last.sent.map(({ op }) => op)).toEqual(['subscribe', 'unsubscribe']);
  expect(channel.state).toBe('unsubscribed');
});

test('ADR10: what the server side ends stays ended', async () => {
  const { transport, states, reconnect } = await start();
  transport.last.receive(granted, {
    event: 'a',
    type: 'unsubscribed',
    code: 3503,
    msg: 'by the server side',
  });
  expect(states).toEqual(['subscribed 2021', 'unsubscribed 3503']);
  await reconnect();
  expect(transport.last.sent).toEqual([]);
});

test('who comes and who goes is told while subscribed', async () => {
  const { transport, channel, timers } = await start();
  const heard: unknown[] = [];
  channel.on('join', ({ user, info }) => heard.push(['join', user, info]));
  channel.on('leave', ({ session }) => heard.push(['leave', session]));
  void channel.subscribe();
  const member = { session: 's7', user: 'ann', info: { name: 'Ann' } };
  transport.last.receive({ event: 'a', type: 'join', member });
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  transport.last.receive({ event: 'a', type: 'join', member }, { event: 'a', type: 'leave', member });
  expect(heard).toEqual([
    ['join', 'ann', { name: 'Ann' }],
    ['leave', 's7'],
  ]);
});
