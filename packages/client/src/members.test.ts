import { expect, test } from 'vitest';
import { result, start } from './testing/scripted-client.ts';

const member = (session: string, info?: string) => ({ session, user: `u${session}`, info });
const join = (session: string, more: object = {}) => ({
  event: 'a',
  type: 'join',
  member: { ...member(session), ...more },
});
const leave = (session: string, more: object = {}) => ({
  event: 'a',
  type: 'leave',
  member: { ...member(session), ...more },
});

/** A channel that is subscribed and watched; `lists` are the sessions of each list told. */
async function watched() {
  const started = await start();
  const { channel, timers, transport } = started;
  const lists: string[] = [];
  const stop = channel.watchMembers((members) => {
    lists.push(members.map(({ session }) => session).join(' '));
  });
  void channel.subscribe();
  await timers.pass(0);
  transport.last.answer('subscribe', result);
  const list = async (...sessions: string[]) => {
    transport.last.answer('presence', { members: sessions.map((session) => member(session)) });
    await timers.pass(0);
  };
  return { ...started, lists, stop, list };
}

test('PRE8: a list, then what changes it', async () => {
  const { transport, lists, list } = await watched();
  await list('1', '2');
  transport.last.receive(join('3'), leave('1'), leave('9'));
  expect(lists).toEqual(['1 2', '1 2 3', '2 3', '2 3']);
});

test('PRE8: what is told while the list is on its way counts, whether the list holds it or not', async () => {
  const { transport, lists, timers } = await watched();
  transport.last.receive(join('3'), leave('2'), leave('1'));
  const { id } = transport.last.command('presence');
  // The transport hands over the answer and what follows it in one go.
  transport.last.receive({ id, result: { members: [member('1'), member('3')] } }, join('4'), leave('3'));
  await timers.pass(0);
  expect(lists).toEqual(['4']);
});

test('PRE7 PRE8: who is back under another session takes the place of the former ones', async () => {
  const { transport, lists, list } = await watched();
  await list('1', '2');
  transport.last.receive(join('5', { former: ['1', '4'] }), leave('6', { former: ['2'] }));
  expect(lists).toEqual(['1 2', '2 5', '5']);
});

test('PRE9: after a gap the list is asked for again', async () => {
  const { transport, lists, list } = await watched();
  await list('1');
  transport.last.receive({ event: 'a', type: 'gap' });
  await list('2');
  expect(lists).toEqual(['1', '2']);
});

test('after a cut the list is asked for again, and a late answer counts for nothing', async () => {
  const { transport, lists, list, reconnect, timers } = await watched();
  await list('1');
  transport.last.receive({ event: 'a', type: 'gap' });
  await reconnect();
  transport.last.answer('subscribe', { ...result, recovered: true });
  const commands = transport.last.sent.filter(({ op }) => op === 'presence');
  const answers = commands.map(({ id }, at) => ({ id, result: { members: [member(`late ${at}`)] } }));
  transport.last.receive(...answers);
  await timers.pass(0);
  expect(lists).toEqual(['1', `late ${answers.length - 1}`]);
});

test('that the list cannot be had is an error event, and nothing is told', async () => {
  const { transport, lists, errors, timers } = await watched();
  transport.last.refuse('presence', 108);
  await timers.pass(0);
  transport.last.receive(join('1'));
  expect(errors).toMatchObject([{ code: 108 }]);
  expect(lists).toEqual([]);
});

test('one that begins in a subscription asks at once, and after its end nothing is told', async () => {
  const { transport, channel, timers, list, lists, stop } = await watched();
  await list('1');
  const others: number[] = [];
  const off = channel.watchMembers((members) => others.push(members.length));
  await list('1', '2');
  expect([others, lists]).toEqual([[2], ['1']]);
  off();
  stop();
  transport.last.receive(join('3'));
  await timers.pass(0);
  expect([others, lists]).toEqual([[2], ['1']]);
});
