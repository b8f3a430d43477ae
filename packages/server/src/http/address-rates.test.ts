import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type FeedHost, startFeeds } from '../testing/feed-host.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { ClientAddresses, networkOf } from './address.ts';
import { AddressRates } from './address-rates.ts';

const two = { count: 2, perMs: 60_000 };

describe('ACC19: connections of one address', () => {
  const from = (...trusted: string[]) =>
    new AddressRates(new VirtualClock(), new ClientAddresses(trusted), two);

  test('are refused past the rate with 429, each address by itself', () => {
    const rates = from();
    for (const address of ['5.5.5.5', '6.6.6.6']) {
      rates.connecting(address);
      rates.connecting(address);
      expect(() => rates.connecting(address)).toThrow(
        expect.objectContaining({ status: 429, code: 111, retryAfterMs: 30_000 }),
      );
    }
  });

  test('of this machine and of trusted proxies are not counted', () => {
    const rates = from('10.0.0.0/8');
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '10.1.2.3'])
      for (let count = 0; count < 50; count++) rates.connecting(address);
  });

  test('of one IPv6 network count together, for its owner has as many addresses as he likes', () => {
    const rates = from();
    rates.connecting('2001:db8:1:2::1');
    rates.connecting('2001:db8:1:2:ffff::9');
    expect(() => rates.connecting('2001:db8:1:2:3:4:5:6')).toThrow('too many requests');
    rates.connecting('2001:db8:1:3::1');
  });
});

test.each([
  ['5.5.5.5', '5.5.5.5'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0db8:0000:0001::1', '2001:db8:0:1::/64'],
  ['::', '0:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::', 'fe80:0:0:0::/64'],
  ['64:ff9b::5.5.5.5', '64:ff9b:0:0::/64'],
  ['1:2:3::5.5.5.5', '1:2:3:0::/64'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe('ACC19: on the wire', () => {
  let host: FeedHost | undefined;
  afterEach(async () => host?.stop());

  const settings = { trustProxy: ['127.0.0.0/8'], rates: { connectionsPerAddress: two } };
  const by = (address: string) => ({ 'X-Forwarded-For': address });

  async function upgrade(path: string, address: string): Promise<number> {
    const socket = new WebSocket(`ws://127.0.0.1:${host?.port}${path}`, { headers: by(address) });
    socket.on('error', () => {});
    const status = await Promise.race([
      once(socket, 'open').then(() => 101),
      once(socket, 'unexpected-response').then(([, answer]) => {
        expect(answer.headers['retry-after']).toBe('30');
        return answer.statusCode as number;
      }),
    ]);
    socket.terminate();
    return status;
  }

  test('a WebSocket too many is 429 before the upgrade, on every path, and others get in', async () => {
    host = await startFeeds({ settings });
    expect(await upgrade('/ws', '5.5.5.5')).toBe(101);
    expect(await upgrade('/sub?channel=open:1', '5.5.5.5')).toBe(101);
    for (const path of ['/ws', '/message-center', '/sub?channel=open:1', '/room?room=1'])
      expect(await upgrade(path, '5.5.5.5')).toBe(429);
    expect(await upgrade('/ws', '6.6.6.6')).toBe(101);
    host.clock.advance(30_000);
    expect(await upgrade('/ws', '5.5.5.5')).toBe(101);
  });

  test('streams count, polls do not', async () => {
    host = await startFeeds({ settings });
    await host.node.publish('open:1', '1');
    const { port } = host;
    const opened = async (path: string): Promise<number> => {
      const { status, body } = await fetch(`http://127.0.0.1:${port}${path}`, { headers: by('5.5.5.5') });
      await body?.cancel();
      return status;
    };
    for (let count = 0; count < 5; count++) expect(await opened('/sub?channel=open:1&from=oldest')).toBe(200);
    expect(await opened('/stream?transport=longpoll')).toBe(200);
    expect(await opened('/sub?channel=open:1&transport=sse')).toBe(200);
    for (const path of ['/stream?transport=longpoll', '/stream', '/sub?channel=open:1&transport=ndjson'])
      expect(await opened(path)).toBe(429);
    expect(await opened('/sub?channel=open:1&from=oldest')).toBe(200);
  });
});
