import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FeedClientName, feedClients } from '../../packages/server/src/testing/feed-clients.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { pick, type Random, random } from '../support/random.ts';

const total = 10_000;
const channels = ['walk:a', 'walk:b'];
/** Those that give a cursor back. */
const transports: readonly FeedClientName[] = [
  'websocket/json',
  'sse',
  'ndjson',
  'iframe',
  'longpoll',
  'jsonp',
  'longpoll/raw',
];

let carillon: RunningCarillon;

beforeAll(async () => {
  carillon = await startCarillon({
    config: {
      api: { keys: ['key'] },
      auth: { anonymous: true },
      channels: { 'walk:*': { subscribe: 'anyone', history: { size: 20_000, ttl: '10m' } } },
    },
  });
});
afterAll(() => carillon?.stop());

describe('clients that are cut at any moment and come back on any transport', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

  test(`get each of ${total} publications once and in order (SEED=${seed})`, async () => {
    const draw = random(seed);
    const start = await cursorNow();
    const published = publishAll(random(draw(2 ** 31)));
    const walks = await Promise.all([1, 2, 3, 4].map(() => walk(start, random(draw(2 ** 31)))));
    const sent = await published;
    for (const { got } of walks)
      for (const channel of channels) expect(got.get(channel)).toEqual(sent.get(channel));
    const changes = walks.reduce((sum, { visits }) => sum + visits, 0);
    console.info(`${total} publications, ${walks.length} clients, ${changes} connections cut`);
    expect(changes).toBeGreaterThan(100);
  }, 90_000);
});

async function cursorNow(): Promise<string> {
  const query = channels.map((channel) => `channel=${channel}`).join('&');
  const answer = await fetch(`${carillon.url}/sub?${query}&timeout=0`);
  return ((await answer.json()) as { cursor: string }).cursor;
}

/** Publishes in bursts with pauses between; resolves with what went to each channel. */
async function publishAll(draw: Random): Promise<Map<string, number[]>> {
  const sent = new Map<string, number[]>(channels.map((channel) => [channel, []]));
  for (let n = 0; n < total; ) {
    const requests: object[] = [];
    for (let left = 1 + draw(60); left > 0 && n < total; left--) {
      const channel = pick(draw, channels);
      n += 1;
      sent.get(channel)?.push(n);
      requests.push({ method: 'publish', params: { channel, data: { n, channel } } });
    }
    const response = await fetch(`${carillon.url}/v1/batch`, {
      method: 'POST',
      headers: { 'X-API-Key': 'key', 'Content-Type': 'application/json' },
      body: JSON.stringify({ requests }),
    });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    await sleep(draw(20));
  }
  return sent;
}

/** One client's way through the transports, until it has everything. */
async function walk(
  start: string,
  draw: Random,
): Promise<{ readonly got: Map<string, number[]>; readonly visits: number }> {
  const got = new Map<string, number[]>(channels.map((channel) => [channel, []]));
  const deadline = Date.now() + 80_000;
  let cursor = start;
  let count = 0;
  let visits = 0;
  while (count < total && Date.now() < deadline) {
    const client = feedClients[pick(draw, transports)]();
    await client.open(carillon.port, { channels, cursor });
    await Promise.race([client.has(1 + draw(400)).catch(() => undefined), sleep(draw(150))]);
    client.cut();
    visits += 1;
    for (const { data } of client.received) {
      const { n, channel } = data as { n: number; channel: string };
      got.get(channel)?.push(n);
      count += 1;
    }
    expect(client.gaps).toEqual([]);
    if (client.cursor !== '') cursor = client.cursor;
    if (draw(4) === 0) await sleep(draw(60));
  }
  return { got, visits };
}
