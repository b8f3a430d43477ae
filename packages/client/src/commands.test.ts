import { expect, test } from 'vitest';
import { Carillon } from './client.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';

async function connected() {
  const timers = new VirtualTimers();
  const transport = new ScriptedTransport();
  const carillon = new Carillon('ws://a', {}, { timers, transport });
  carillon.connect();
  await timers.pass(0);
  transport.last.callbacks.opened();
  return { timers, transport, carillon };
}

test('presence, its numbers, and a call carry the fields of the protocol, and give what is answered', async () => {
  const { transport, carillon } = await connected();
  const members = carillon.channel('a').presence();
  expect(transport.last.command('presence')).toMatchObject({ channel: 'a' });
  transport.last.answer('presence', { members: [{ session: 's', user: 'u' }] });
  expect(await members).toEqual([{ session: 's', user: 'u' }]);
  const stats = carillon.channel('a').presenceStats();
  transport.last.answer('presence_stats', { sessions: 2, users: 1 });
  expect(await stats).toEqual({ sessions: 2, users: 1 });
  const sum = carillon.call('sum', [1, 2]);
  expect(transport.last.command('call')).toMatchObject({ method: 'sum', data: [1, 2] });
  transport.last.answer('call', 3);
  expect(await sum).toBe(3);
  const bare = carillon.call('now');
  expect(transport.last.command('call')).toMatchObject({ method: 'now', data: null });
  transport.last.refuse('call', 104);
  await expect(bare).rejects.toMatchObject({ code: 104 });
});

test('a call is never sent twice: where the reply is cut off, it is rejected', async () => {
  const { transport, carillon, timers } = await connected();
  const lost = carillon.call('pay', 1);
  const told = expect(lost).rejects.toMatchObject({ code: 2041 });
  transport.last.callbacks.closed(1006, '');
  await told;
  const waiting = carillon.call('pay', 2);
  await timers.pass(1_000);
  transport.last.callbacks.opened();
  expect(transport.last.sent.filter(({ op }) => op === 'call')).toMatchObject([{ data: 2 }]);
  transport.last.answer('call', 'paid');
  expect(await waiting).toBe('paid');
});
