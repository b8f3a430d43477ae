/** The SDK behind hostile proxies: it finds the transport that gets through, and nothing is lost or doubled on the way. */
import { Carillon, type Gap, type Message, type TransportName } from '@carillon/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { HostileProxy, type Hostility } from '../support/proxy.ts';
import { pick, random } from '../support/random.ts';

let server: RunningCarillon;
const cleanUp: (() => unknown)[] = [];
const fast = { backoff: { minMs: 1, maxMs: 20 } };

beforeAll(async () => {
  const rule = { subscribe: 'anyone', publish: 'anyone', history: { size: 20_000, ttl: '10m' } };
  server = await startCarillon({
    config: {
      api: { keys: ['key'] },
      auth: { anonymous: true, tokens: { t: { user: '7' } } },
      channels: { '*': rule },
    },
  });
});

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

afterAll(() => server.stop());

const until = (condition: () => boolean, timeout = 25_000) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout, interval: 5 });

async function behind(hostility: Partial<Hostility>): Promise<HostileProxy> {
  const proxy = await HostileProxy.start(server.port, hostility);
  cleanUp.push(() => proxy.stop());
  return proxy;
}

function client(...[url, options]: ConstructorParameters<typeof Carillon>): Carillon {
  const carillon = new Carillon(url, options ?? fast);
  cleanUp.push(() => carillon.close());
  return carillon;
}

function record<T>(carillon: Carillon, name: string) {
  const messages: Message<T>[] = [];
  const gaps: Gap[] = [];
  const channel = carillon.channel<T>(name);
  channel.on('message', (_, message) => messages.push(message));
  channel.on('gap', (gap) => gaps.push(gap));
  return { channel, messages, gaps };
}

describe('the transport that gets through', () => {
  const networks: readonly [string, Partial<Hostility>, TransportName][] = [
    ['lets everything through', {}, 'websocket'],
    ['is slow', { delayMs: 300 }, 'websocket'],
    ['refuses upgrades', { upgrades: 'refuse' }, 'sse'],
    ['swallows upgrades', { upgrades: 'swallow' }, 'sse'],
    ['cuts WebSockets as soon as they are open', { upgrades: 'cut' }, 'sse'],
    ['refuses upgrades and buffers streams', { upgrades: 'refuse', streams: 'buffer' }, 'longpoll'],
    ['swallows upgrades and streams', { upgrades: 'swallow', streams: 'swallow' }, 'longpoll'],
    [
      'refuses upgrades and streams, and is slow',
      { upgrades: 'refuse', streams: 'refuse', delayMs: 300 },
      'longpoll',
    ],
  ];
  test.each(networks)('a network that %s', async (name, hostility, expected) => {
    const proxy = await behind(hostility);
    const told: (TransportName | undefined)[] = [];
    const carillon = client(proxy.url, { ...fast, token: 't' });
    carillon.on('state', ({ state, transport }) => state === 'connected' && told.push(transport));
    const { channel, messages } = record<string>(carillon, `net:${name.replaceAll(' ', '-')}`);
    await channel.publish('through');
    await until(() => messages.length === 1);
    expect(carillon.transport).toBe(expected);
    expect(told.at(-1)).toBe(expected);
    expect(carillon.session).toEqual(expect.any(String));
    expect((await channel.history()).publications).toHaveLength(1);
  });

  test('what worked is remembered: the next client does not ask for a WebSocket', async () => {
    const proxy = await behind({ upgrades: 'refuse' });
    await client(proxy.url).channel('memory').subscribe();
    const { upgrades } = proxy.asked;
    expect(upgrades).toBeGreaterThan(0);
    const second = client(proxy.url);
    await second.channel('memory').subscribe();
    expect([second.transport, proxy.asked.upgrades]).toEqual(['sse', upgrades]);
  });

  test('only the transports that are listed are used', async () => {
    const proxy = await behind({});
    const carillon = client(proxy.url, { ...fast, transports: ['longpoll'] });
    await carillon.channel('listed').subscribe();
    expect(carillon.transport).toBe('longpoll');
    expect(proxy.asked).toMatchObject({ upgrades: 0, streams: 0 });
  });

  test.each<TransportName>(['websocket', 'sse', 'longpoll'])(
    'a network that cuts everything after a while is no reason to leave %s, and nothing is lost',
    async (name) => {
      const proxy = await behind({ cutAfterMs: 400 });
      const carillon = client(proxy.url, { ...fast, transports: [name, 'longpoll', 'sse'] });
      const { channel, messages, gaps } = record<number>(carillon, `cuts:${name}`);
      await channel.subscribe();
      const writer = client(server.url).channel<number>(`cuts:${name}`);
      for (let number = 1; number <= 60; number++) {
        await writer.publish(number);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
      await until(() => messages.length >= 60);
      expect(messages.map(({ data }) => data)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      expect(gaps).toEqual([]);
      await until(() => carillon.state === 'connected');
      expect(carillon.transport).toBe(name);
    },
  );

  test('a server that restarts is no reason to leave the WebSocket', async () => {
    const other = await startCarillon();
    const carillon = client(other.url);
    await carillon.channel('restart').subscribe();
    await other.stop();
    const again = await startCarillon({ port: other.port });
    cleanUp.push(() => again.stop());
    await until(() => carillon.state === 'connected');
    await carillon.channel('restart').publish(1);
    expect(carillon.transport).toBe('websocket');
  });
});

describe('transport changes', () => {
  const only = (name: TransportName): Partial<Hostility> => ({
    upgrades: name === 'websocket' ? 'pass' : 'refuse',
    streams: name === 'sse' ? 'pass' : 'refuse',
    polls: name === 'longpoll' ? 'pass' : 'refuse',
  });
  const names = ['websocket', 'sse', 'longpoll'] as const;

  test.each([21, 22])(
    '5,000 publications at random, none lost, none doubled, in order (seed %i)',
    { timeout: 60_000 },
    async (seed) => {
      const draw = random(seed);
      const proxy = await behind({});
      const used = new Set<TransportName | undefined>();
      const reader = client(proxy.url);
      reader.on('state', ({ transport }) => transport !== undefined && used.add(transport));
      const { channel, messages, gaps } = record<number>(reader, `seed:${seed}`);
      await channel.subscribe();
      const writer = client(proxy.url, { ...fast, queueLimit: 1_000 }).channel<number>(`seed:${seed}`);
      let at = 0;
      const write = async (): Promise<void> => {
        while (at < 5_000) {
          at += 1;
          const number = at;
          if (draw(100) === 0) proxy.cut();
          if (draw(150) === 0) {
            proxy.become({
              ...only(pick(draw, names)),
              ...(draw(2) === 0 && { cutAfterBytes: draw(4_000) }),
            });
            if (draw(3) > 0) proxy.cut();
          }
          await writer.publish(number);
        }
      };
      await Promise.all(Array.from({ length: 8 }, write));
      proxy.become({});
      await until(() => messages.length >= 5_000, 20_000);
      const numbers = Array.from({ length: 5_000 }, (_, index) => index + 1);
      expect(messages.map(({ offset }) => offset)).toEqual(numbers);
      expect(messages.map(({ data }) => data).sort((a, b) => a - b)).toEqual(numbers);
      expect(gaps).toEqual([]);
      expect([...used].sort()).toEqual(['longpoll', 'sse', 'websocket']);
      expect(proxy.cuts).toBeGreaterThan(10);
    },
  );
});
