import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { ApiKeys, bearerOf } from './keys.ts';

function request(headers: Record<string, string>, socket: object = {}): IncomingMessage {
  return { headers, socket } as unknown as IncomingMessage;
}

const local = () => '127.0.0.1';
const remote = () => '5.5.5.5';
const keys = new ApiKeys({ keys: ['first', 'second'], development: false });

test('any configured key opens the API, in either header', () => {
  for (const key of ['first', 'second']) {
    expect(keys.access(request({ authorization: `Bearer ${key}` }), remote)).toBe('key');
    expect(keys.access(request({ authorization: `bearer ${key}` }), remote)).toBe('key');
    expect(keys.access(request({ 'x-api-key': key }), remote)).toBe('key');
  }
  expect(keys.access(request({ authorization: 'Bearer a-client', 'x-api-key': 'first' }), remote)).toBe(
    'key',
  );
});

test('other keys, parts of keys and none are refused', () => {
  for (const key of ['firs', 'first ', 'FIRST', 'first,second', '']) {
    expect(keys.access(request({ 'x-api-key': key }), remote)).toBe('wrong');
  }
  expect(keys.access(request({ authorization: 'Bearer third' }), remote)).toBe('wrong');
  expect(keys.access(request({ authorization: 'Basic Zmlyc3Q=' }), remote)).toBe('none');
  expect(keys.access(request({}), remote)).toBe('none');
  expect(keys.access(request({}), local)).toBe('none');
});

test('what one request of a socket proved does not hold for another header, or another socket', () => {
  const socket = {};
  expect(keys.access(request({ 'x-api-key': 'first' }, socket), remote)).toBe('key');
  expect(keys.access(request({ 'x-api-key': 'first' }, socket), remote)).toBe('key');
  expect(keys.access(request({ 'x-api-key': 'third' }, socket), remote)).toBe('wrong');
  expect(keys.access(request({ authorization: 'first' }, socket), remote)).toBe('none');
  expect(keys.access(request({}, socket), remote)).toBe('none');
  expect(keys.access(request({}, {}), remote)).toBe('none');
});

test('without keys the API is open to this machine in development mode, and to nobody else', () => {
  const development = new ApiKeys({ keys: [], development: true });
  expect(development.access(request({}), local)).toBe('open');
  expect(development.access(request({ 'x-api-key': 'whatever' }), local)).toBe('open');
  expect(development.access(request({}), remote)).toBe('none');
  const production = new ApiKeys({ keys: [], development: false });
  expect(production.access(request({}), local)).toBe('none');
  expect(production.refusal('none').message).toContain("set 'api.keys'");
});

test('development mode needs no key from this machine, but a wrong one is still wrong', () => {
  const both = new ApiKeys({ keys: ['first'], development: true });
  expect(both.access(request({}), local)).toBe('open');
  expect(both.access(request({ 'x-api-key': 'second' }), local)).toBe('wrong');
  expect(both.access(request({ 'x-api-key': 'first' }), local)).toBe('key');
  expect(both.access(request({}), () => '192.0.2.1')).toBe('none');
});

test('an empty key is never configured', () => {
  expect(() => new ApiKeys({ keys: [''], development: false })).toThrow('must not be empty');
});

test('the bearer is the text after the scheme', () => {
  expect(bearerOf(request({ authorization: 'Bearer  abc ' }))).toBe('abc');
  expect(bearerOf(request({ authorization: 'Basic abc' }))).toBeUndefined();
});

test('RLD1 another list of keys holds at once, also for sockets that showed one before', () => {
  const changing = new ApiKeys({ keys: ['first', { key: 'second', scopes: ['read'] }], development: false });
  const [one, two] = [{}, {}];
  const asked = (key: string, socket: object): string =>
    changing.access(request({ 'x-api-key': key }, socket), remote);
  expect([asked('first', one), asked('second', two)]).toEqual(['key', 'key']);
  const [first, second] = [
    changing.keyOf(request({ 'x-api-key': 'first' }, one)),
    changing.keyOf(request({ 'x-api-key': 'second' }, two)),
  ];
  changing.replace(['second', 'third']);
  expect([asked('first', one), asked('second', two), asked('third', {})]).toEqual(['wrong', 'key', 'key']);
  expect([first.isGone, second.isGone, second.grant]).toEqual([true, false, undefined]);
  changing.replace(['first']);
  expect(asked('first', one)).toBe('key');
  expect([first.isGone, second.isGone]).toEqual([true, true]);
});

test('ACC19 what a key has used stays used when another list of keys is in force', () => {
  const rate = { rate: { count: 2, perMs: 60_000 }, clock: new VirtualClock() };
  const changing = new ApiKeys({ keys: ['first', 'second'], development: false, rate });
  const use = (key: string): void => {
    const asked = request({ 'x-api-key': key });
    expect(changing.access(asked, remote)).toBe('key');
    changing.grantOf(asked)?.use();
  };
  use('first');
  use('first');
  changing.replace([{ key: 'first', scopes: ['read'] }, 'second']);
  expect(() => use('first')).toThrow('at most 2 requests with this API key');
  use('second');
});
