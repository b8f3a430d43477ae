import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { ClientAddresses, isLoopback, plainAddress } from './address.ts';

function from(remoteAddress: string, forwarded?: string): IncomingMessage {
  return {
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage;
}

test('an IPv4 address on a dual-stack socket is that IPv4 address, and a zone is no part of one', () => {
  expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
  expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
  expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
  expect(plainAddress(undefined)).toBe('');
});

test('loopback is all of 127.0.0.0/8 and ::1, and no name', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1'].map(isLoopback)).toEqual([true, true, true]);
  expect(['10.0.0.1', '::2', 'localhost', ''].map(isLoopback)).toEqual([false, false, false, false]);
});

test('without trusted proxies nobody is believed', () => {
  expect(new ClientAddresses([]).of(from('10.0.0.1', '1.2.3.4'))).toBe('10.0.0.1');
});

test.each([
  ['a stranger is not believed', '9.9.9.9', '1.2.3.4', '9.9.9.9'],
  ['one hop', '10.0.0.1', '1.2.3.4', '1.2.3.4'],
  ['the claim of a stranger is left of him', '10.0.0.1', '6.6.6.6, 1.2.3.4', '1.2.3.4'],
  ['trusted hops are walked over', '10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.9,10.0.0.8', '1.2.3.4'],
  ['all trusted: the leftmost', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['no header', '10.0.0.1', undefined, '10.0.0.1'],
  ['what is no address ends the walk', '10.0.0.1', '1.2.3.4, unknown', '10.0.0.1'],
  ['a port is dropped', '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
  ['IPv6, with brackets and port', '10.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
  ['IPv6 proxy', 'fd00::5', '2001:db8::7', '2001:db8::7'],
  ['v4-mapped socket', '::ffff:10.0.0.1', '::ffff:1.2.3.4', '1.2.3.4'],
  ['single trusted address', '192.168.1.1', '1.2.3.4', '1.2.3.4'],
  ['its neighbour is a stranger', '192.168.1.2', '1.2.3.4', '192.168.1.2'],
])('X-Forwarded-For: %s', (_, socket, forwarded, expected) => {
  const addresses = new ClientAddresses(['10.0.0.0/8', 'fd00::/8', '192.168.1.1']);
  expect(addresses.of(from(socket, forwarded))).toBe(expected);
});

test('a v4-mapped network means the IPv4 network', () => {
  const addresses = new ClientAddresses(['::ffff:10.0.0.0/104']);
  expect(addresses.isTrusted('10.200.0.1')).toBe(true);
  expect(addresses.isTrusted('11.0.0.1')).toBe(false);
});

test.each(['10.0.0.0/33', 'fd00::/129', 'proxy.local', '10.0.0.0/', '10.0.0.0/x', '::ffff:10.0.0.0/8', ''])(
  'refuses %j by name',
  (entry) => {
    expect(() => new ClientAddresses([entry])).toThrow(`trustProxy: '${entry}'`);
  },
);
