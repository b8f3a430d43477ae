/** The polling clients of the generator must find what a faulty server does. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { noCounts, payload } from './checker.ts';
import { LongPollClient, type PollAudience } from './long-poll-client.ts';
import { parseTarget } from './target.ts';

const channel = 'bench:c';
const perfect = { missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 };

let server: Server | undefined;
let client: LongPollClient | undefined;
afterEach(() => {
  client?.close();
  server?.closeAllConnections();
  server?.close();
});

function answerOf(...offsets: readonly number[]): string {
  const messages = offsets.map(
    (offset) => `{"channel":"${channel}","data":${payload(offset - 1, 1, 64)},"offset":${offset}}`,
  );
  return `{"messages":[${messages.join(',')}],"cursor":"c.e.${offsets.at(-1) ?? 0}"}`;
}

/** A client against a server that gives these answers one after the other, and then none: resolves when that was polled for. */
async function pollThrough(...answers: readonly string[]) {
  const cursors: (string | null)[] = [];
  const { promise: polledOn, resolve } = Promise.withResolvers<void>();
  server = createServer((req, res) => {
    const answer = answers[cursors.length];
    cursors.push(new URL(req.url ?? '', 'http://a').searchParams.get('cursor'));
    if (answer === undefined) resolve();
    else res.end(answer);
  });
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const audience: PollAudience = {
    target: parseTarget(`http://127.0.0.1:${port}`),
    channel,
    counts: noCounts(),
    arrived: () => undefined,
    answered: () => undefined,
    failure: undefined,
    known: undefined,
  };
  client = new LongPollClient(audience);
  await client.open(undefined);
  await polledOn;
  return { cursors, counts: audience.counts, publications: client.publications };
}

it('polls with the cursor of the last answer', async () => {
  const { cursors, counts, publications } = await pollThrough(
    answerOf(),
    answerOf(1),
    answerOf(2, 3),
    answerOf(4),
  );
  expect(cursors).toEqual([null, 'c.e.0', 'c.e.1', 'c.e.3', 'c.e.4']);
  expect(publications).toBe(4);
  expect(counts).toEqual(perfect);
});

it('notices what comes twice', async () => {
  const { counts } = await pollThrough(answerOf(), answerOf(1), answerOf(1), answerOf(2));
  expect(counts.duplicate).toBe(1);
});

it('notices a hole, even if it is filled later', async () => {
  const { counts, publications } = await pollThrough(answerOf(), answerOf(1), answerOf(3), answerOf(2));
  expect(publications).toBe(3);
  expect(counts.outOfOrder).toBeGreaterThan(0);
});

it('ends at an answer that says what was lost', async () => {
  const lost = '{"messages":[],"recovered":false,"cursor":"c.e.9"}';
  await expect(pollThrough(lost)).rejects.toThrow(/recovered/);
});
