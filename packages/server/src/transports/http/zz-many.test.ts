import { expect, test } from 'vitest';
import { feedClients } from '../../testing/feed-clients.ts';
import { startFeeds } from '../../testing/feed-host.ts';
test.each(['sse', 'ndjson', 'longpoll', 'websocket/json'] as const)('many channels %s', async (name) => {
  const host = await startFeeds();
  const channels = Array.from({ length: 64 }, (_, at) => `open:${at}`);
  for (const channel of channels) for (let n = 0; n < 10; n++) await host.node.publish(channel, `{"n":${n},"x":"${'x'.repeat(20_000)}"}`);
  const client = feedClients[name]();
  await client.open(host.port, { channels, more: 'from=oldest' });
  await client.until(() => client.received.length === 640 || client.ended !== undefined, 5000).catch(() => undefined);
  console.log(name, client.received.length, client.ended, client.gaps.length);
  client.cut();
  await host.stop();
  expect(1).toBe(1);
});
