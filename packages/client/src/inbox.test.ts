import { expect, test } from 'vitest';
import { webSocketUrl } from './options.ts';
import { event, result, start, told } from './testing/scripted-client.ts';

test('INB1: the device is told in the handshake and with the token', async () => {
  const { transport, timers } = await start({ token: 'secret', device: 'phone 1' });
  await timers.pass(0);
  expect(transport.last.command('auth')).toMatchObject({ token: 'secret', device: 'phone 1' });
  expect(webSocketUrl('https://a?x=1', 'phone 1')).toBe('wss://a/ws?x=1&device=phone+1');
});

test('INB2 INB3: what was not acknowledged follows the reply, once and in order', async () => {
  const { transport, channel, timers } = await start();
  const list = told(channel);
  const subscribed = channel.subscribe();
  await timers.pass(0);
  transport.last.answer('subscribe', { ...result, offset: 9, recovered: true, unread: 3 });
  transport.last.receive(event(7), event(8));
  expect((await subscribed).unread).toBe(3);
  expect(list).toEqual(['d7', 'd8']);
  expect(channel.position).toEqual({ epoch: 'e', offset: 8 });
});

test('INB2: after a cut the client goes on from its own place, also before anything came', async () => {
  const { transport, channel, timers, reconnect } = await start();
  const list = told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', { ...result, offset: 9, recovered: true, unread: 3 });
  await reconnect();
  expect(transport.last.command('subscribe')['since']).toEqual({ epoch: 'e', offset: 6 });
  transport.last.answer('subscribe', { ...result, offset: 9, recovered: true, unread: 3 });
  transport.last.receive(event(7));
  await reconnect();
  expect(transport.last.command('subscribe')['since']).toEqual({ epoch: 'e', offset: 7 });
  expect(list).toEqual(['recovered 6', 'd7']);
});

test('INB4: ack says up to where this device has everything: by default all that was received', async () => {
  const { transport, channel, timers, reconnect } = await start();
  told(channel);
  await timers.pass(0);
  transport.last.answer('subscribe', { ...result, unread: 0 });
  transport.last.receive(event(4));
  const first = channel.ack();
  expect(transport.last.command('ack')).toEqual({ id: 2, op: 'ack', channel: 'a', offset: 4, epoch: 'e' });
  transport.last.answer('ack', true);
  await first;
  const second = channel.ack(3);
  expect(transport.last.command('ack')).toMatchObject({ offset: 3, epoch: 'e' });
  await reconnect();
  transport.last.answer('subscribe', { ...result, recovered: true, unread: 0 });
  expect(transport.last.command('ack')).toMatchObject({ offset: 3, epoch: 'e' });
  transport.last.refuse('ack', 112, 'the newest offset is 4');
  await expect(second).rejects.toMatchObject({ code: 112 });
});

test('INB5: what another device acknowledged is told', async () => {
  const { transport, channel, timers } = await start();
  const acks: unknown[] = [];
  channel.on('ack', (ack) => acks.push(ack));
  void channel.subscribe();
  await timers.pass(0);
  transport.last.answer('subscribe', { ...result, unread: 2 });
  transport.last.receive({ event: 'a', type: 'ack', device: 'phone', offset: 3, unread: 0 });
  transport.last.receive({ event: 'a', type: 'ack', offset: 3, unread: 0 });
  expect(acks).toEqual([
    { channel: 'a', device: 'phone', offset: 3, unread: 0 },
    { channel: 'a', offset: 3, unread: 0 },
  ]);
});
