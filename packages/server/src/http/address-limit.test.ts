import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ClientAddresses } from './address.ts';
import { AddressLimit } from './address-limit.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function socketFrom(address: string): Socket & FakeSocket {
  return new FakeSocket(address) as unknown as Socket & FakeSocket;
}

test('the socket that is one too many is refused, and the place of one that closed is free again', () => {
  const limit = new AddressLimit(new ClientAddresses([]), 2);
  const sockets = [1, 2, 3].map(() => socketFrom('5.5.5.5'));
  for (const socket of sockets) limit.opened(socket);
  const [first, second, third] = sockets as [FakeSocket & Socket, FakeSocket & Socket, FakeSocket & Socket];
  limit.check(first);
  limit.check(second);
  expect(() => limit.check(third)).toThrow('too many connections from this address');
  first.emit('close');
  third.emit('close');
  expect(limit.count('5.5.5.5')).toBe(1);
  const next = socketFrom('5.5.5.5');
  limit.opened(next);
  limit.check(next);
  second.emit('close');
  next.emit('close');
  expect(limit.count('5.5.5.5')).toBe(0);
});

test('addresses do not share a count', () => {
  const limit = new AddressLimit(new ClientAddresses([]), 1);
  for (const address of ['5.5.5.5', '6.6.6.6', '2001:db8::1']) {
    const socket = socketFrom(address);
    limit.opened(socket);
    limit.check(socket);
  }
});

test('far too many are cut off at once', () => {
  const limit = new AddressLimit(new ClientAddresses([]), 10);
  const sockets = Array.from({ length: 200 }, () => socketFrom('5.5.5.5'));
  for (const socket of sockets) limit.opened(socket);
  expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(74);
  expect(limit.count('5.5.5.5')).toBe(74);
});

test('loopback and trusted proxies are not counted', () => {
  const limit = new AddressLimit(new ClientAddresses(['10.0.0.0/8']), 1);
  for (const address of ['127.0.0.1', '127.0.0.1', '::1', '::1', '10.1.1.1', '10.1.1.1']) {
    const socket = socketFrom(address);
    limit.opened(socket);
    limit.check(socket);
  }
});

test('clients behind a trusted proxy are counted by their own address', () => {
  const limit = new AddressLimit(new ClientAddresses(['10.0.0.0/8']), 2);
  const proxy = socketFrom('10.0.0.1');
  const leave = limit.enter('5.5.5.5', proxy);
  limit.enter('5.5.5.5', proxy);
  expect(() => limit.enter('5.5.5.5', proxy)).toThrow('too many connections');
  limit.enter('6.6.6.6', proxy);
  leave?.();
  limit.enter('5.5.5.5', proxy);
});

test('what lives on without a socket counts until it is over', () => {
  const limit = new AddressLimit(new ClientAddresses([]), 2);
  const leave = limit.hold('5.5.5.5');
  limit.hold('5.5.5.5');
  expect(() => limit.hold('5.5.5.5')).toThrow('too many connections from this address');
  leave();
  limit.hold('5.5.5.5');
  expect(limit.count('5.5.5.5')).toBe(2);
  for (let held = 0; held < 3; held++) limit.hold('127.0.0.1');
});

test('RLD1 another limit, and other proxies, hold for what comes then; the count stays right', () => {
  const addresses = new ClientAddresses([]);
  const limit = new AddressLimit(addresses, 1);
  const first = socketFrom('10.0.0.1');
  limit.opened(first);
  addresses.replace(['10.0.0.0/8']);
  limit.opened(socketFrom('10.0.0.1'));
  expect(limit.count('10.0.0.1')).toBe(1);
  first.emit('close');
  expect(limit.count('10.0.0.1')).toBe(0);
  limit.replace(2);
  const others = [1, 2, 3].map(() => socketFrom('5.5.5.5'));
  for (const socket of others) limit.opened(socket);
  expect(() => others.slice(0, 2).map((socket) => limit.check(socket))).not.toThrow();
  expect(() => others.slice(2).map((socket) => limit.check(socket))).toThrow('limit 2');
});

test('proxies that are no networks change nothing', () => {
  const addresses = new ClientAddresses(['10.0.0.0/8']);
  expect(() => addresses.replace(['everywhere'])).toThrow('trustProxy');
  expect(addresses.isTrusted('10.1.1.1')).toBe(true);
});
