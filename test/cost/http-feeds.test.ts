/** What feeds over plain HTTP cost, counted: encodings, writes and timers. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FeedClient } from '../../packages/server/src/testing/feed-client.ts';
import { type FeedClientName, feedClients } from '../../packages/server/src/testing/feed-clients.ts';
import { type FeedHost, startFeeds } from '../../packages/server/src/testing/feed-host.ts';
import { HeldPoll } from '../../packages/server/src/transports/http/held-poll.ts';
import { pollWire } from '../../packages/server/src/transports/http/poll-answer.ts';
import { sse } from '../../packages/server/src/transports/http/sse.ts';
import { StreamingConnection } from '../../packages/server/src/transports/http/streaming-connection.ts';

const count = 40;
let host: FeedHost;
let clients: FeedClient[] = [];

beforeEach(async () => {
  host = await startFeeds();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.cut();
  await host.stop();
});

async function open(name: FeedClientName, channels: readonly string[]): Promise<void> {
  clients = Array.from({ length: count }, () => feedClients[name]());
  await Promise.all(clients.map((client) => client.open(host.port, { channels })));
  await vi.waitFor(() => expect(host.node.figures().sessions).toBe(count));
}

/** Within one turn of the event loop. */
async function publish(times: number): Promise<void> {
  const published = Array.from({ length: times }, (_, at) => host.node.publish('open:a', `{"n":${at + 1}}`));
  await Promise.all(published);
  await Promise.all(clients.map((client) => client.has(times)));
}

describe('Server-Sent Events', () => {
  test('of one channel are encoded once per publication and written once per recipient and turn', async () => {
    await open('sse', ['open:a']);
    const encode = vi.spyOn(sse.framing(true).wire(1), 'publication');
    const write = vi.spyOn(StreamingConnection.prototype, 'write');
    await publish(3);
    expect([encode.mock.calls.length, write.mock.calls.length]).toEqual([3, count]);
    expect(new Set(write.mock.calls.map(([bytes]) => bytes)).size).toBe(1);
  });

  test('of several channels have a stamp per recipient, but their bodies are encoded once too', async () => {
    await open('sse', ['open:a', 'open:b']);
    const wire = sse.framing(true).wire(2);
    const encode = vi.spyOn(wire, 'publication');
    const write = vi.spyOn(StreamingConnection.prototype, 'write');
    await publish(3);
    expect([encode.mock.calls.length, write.mock.calls.length]).toEqual([3, count]);
  });
});

describe('held polls', () => {
  test('share one timer, and one encoding of what they are answered with', async () => {
    const before = host.clock.timers;
    await open('longpoll', ['open:a']);
    expect(host.clock.timers - before).toBe(1);
    const encode = vi.spyOn(pollWire(1), 'publication');
    const write = vi.spyOn(HeldPoll.prototype, 'write');
    await publish(1);
    expect([encode.mock.calls.length, write.mock.calls.length]).toEqual([1, count]);
    expect(new Set(write.mock.calls.map(([bytes]) => bytes)).size).toBe(1);
  });
});
