import { expect, test, vi } from 'vitest';
import type { CarillonError } from './errors.ts';
import { event, result, start, told } from './testing/scripted-client.ts';

const expired = { event: 'a', type: 'unsubscribed', code: 109, msg: 'token expired' };
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: CarillonError) => error,
  );

test('ACC17: a channel’s own token goes with each of its subscribe commands, and is fetched once', async () => {
  const token = vi.fn(async () => 'ticket');
  const { transport, channel, timers, reconnect } = await start();
  const list = told(channel);
  void channel.subscribe({ token });
  await timers.pass(0);
  expect(transport.last.sent).toEqual([{ id: 1, op: 'subscribe', channel: 'a', token: 'ticket' }]);
  transport.last.answer('subscribe', result);
  await reconnect();
  expect(transport.last.command('subscribe')).toMatchObject({
    token: 'ticket',
    since: { epoch: 'e', offset: 3 },
  });
  transport.last.answer('subscribe', { ...result, recovered: true });
  transport.last.receive(event(4));
  expect(list).toEqual(['recovered 3', 'd4']);
  expect(token).toHaveBeenCalledTimes(1);
});

test('ACC17: a token may be a text', async () => {
  const { transport, channel, timers } = await start();
  void channel.subscribe({ token: 'ticket' });
  await timers.pass(0);
  expect(transport.last.command('subscribe')).toMatchObject({ token: 'ticket' });
  transport.last.answer('subscribe', result);
  transport.last.receive(expired);
  expect(channel.state).toBe('unsubscribed');
});

test('ACC17: where it expires a fresh one is fetched, and the subscription goes on from its place', async () => {
  let made = 0;
  const { transport, channel, timers, states } = await start();
  const list = told(channel);
  void channel.subscribe({ token: () => `ticket ${++made}` });
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  transport.last.receive(event(4), expired);
  await timers.pass(0);
  expect(transport.last.command('subscribe')).toMatchObject({
    token: 'ticket 2',
    since: { epoch: 'e', offset: 4 },
  });
  transport.last.answer('subscribe', { ...result, offset: 5, recovered: true });
  transport.last.receive(event(5));
  expect(list).toEqual(['d4', 'recovered 4', 'd5']);
  transport.last.receive(expired);
  await timers.pass(0);
  expect(transport.last.command('subscribe')).toMatchObject({ token: 'ticket 3' });
  expect(states).toEqual([
    'subscribing 2020',
    'subscribed 2021',
    'subscribing 109',
    'subscribed 2021',
    'subscribing 109',
  ]);
});

test.each([101, 109])(
  'ACC17: a refusal with %i gets a fresh one, once; the connection stays',
  async (code) => {
    let made = 0;
    const { transport, channel, timers, states } = await start({ token: () => 'of the client' });
    transport.last.answer('auth', { session: 's' });
    const refused = caught(channel.subscribe({ token: () => `ticket ${++made}` }));
    await timers.pass(0);
    transport.last.refuse('subscribe', code);
    await timers.pass(0);
    expect(transport.last.command('subscribe')).toMatchObject({ token: 'ticket 2' });
    transport.last.refuse('subscribe', code);
    expect(await refused).toMatchObject({ code });
    expect(states.at(-1)).toBe(`unsubscribed ${code}`);
    expect([transport.connections.length, made]).toEqual([1, 2]);
  },
);

test('ACC17: a function that throws or hangs is told, and asked again after a while', async () => {
  const fault = new Error('no ticket');
  const answers: (() => string | Promise<string>)[] = [
    () => {
      throw fault;
    },
    () => new Promise<string>(() => {}),
    () => 'ticket',
  ];
  const { transport, channel, timers, states, errors } = await start();
  void channel.subscribe({ token: () => answers.shift()?.() ?? '' });
  await timers.pass(0);
  await timers.pass(100);
  await timers.pass(10_000);
  expect(states).toEqual(['subscribing 2020', 'subscribing 2007', 'subscribing 2007']);
  expect(errors).toEqual([fault]);
  await timers.pass(100);
  expect(transport.last.sent).toMatchObject([{ op: 'subscribe', token: 'ticket' }]);
});

test('ACC17: a cut while it is fetched asks for it anew on the next connection alone', async () => {
  let give: (token: string) => void = () => {};
  const { transport, channel, timers, reconnect } = await start();
  const token = vi.fn(
    () =>
      new Promise<string>((resolve) => {
        give = resolve;
      }),
  );
  void channel.subscribe({ token });
  await timers.pass(0);
  const early = give;
  await reconnect();
  early('early');
  await timers.pass(0);
  expect(transport.last.sent).toEqual([]);
  give('late');
  await timers.pass(0);
  expect(transport.last.sent).toMatchObject([{ op: 'subscribe', token: 'late' }]);
});
