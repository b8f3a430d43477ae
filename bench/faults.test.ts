/** The generator must find what a faulty server does, on the subscribers that it checks and on those that it only counts. */
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { runFanOut } from '../packages/server/src/bench/fan-out.ts';
import type { Outcome } from '../packages/server/src/bench/outcome.ts';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { parseTarget } from '../packages/server/src/bench/target.ts';

/** What subscriber number `index` gets in place of the publication with this offset. */
type Fault = (index: number, offset: number, text: string) => readonly string[];

const checked = 0;
const counted = 7;

let server: WebSocketServer | undefined;
afterEach(() => server?.close());

async function runWith(fault: Fault): Promise<Outcome> {
  const clients: WebSocket[] = [];
  let offset = 0;
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (client) => {
    client.on('message', (raw) => {
      const command = JSON.parse(String(raw)) as { op: string; id?: number; channel: string; data: unknown };
      if (command.op === 'publish') {
        offset += 1;
        const text = JSON.stringify({ event: command.channel, data: command.data, offset });
        clients.forEach((each, index) => {
          for (const sent of fault(index, offset, text)) each.send(sent);
        });
        client.send(JSON.stringify({ id: command.id, result: {} }));
      } else {
        clients.push(client);
        client.send('{"result":true}');
      }
    });
  });
  await new Promise((resolve) => server?.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const load = { perSecond: 100 };
  const plan = {
    name: 'f',
    title: 'f',
    subscribers: 10,
    payload: 64,
    load,
    warmUpSeconds: 0.1,
    seconds: 0.3,
  };
  return runFanOut(parseTarget(`http://127.0.0.1:${port}`), plan, silentProgress);
}

describe.each([
  ['a subscriber whose frames are checked', checked],
  ['a subscriber whose frames are counted', counted],
])('%s', (_, victim) => {
  it('misses what is lost', async () => {
    const { counts } = await runWith((index, offset, text) =>
      index === victim && offset === 5 ? [] : [text],
    );
    expect(counts.missing).toBe(1);
    expect(counts.duplicate).toBe(0);
  });

  it('notices what comes twice', async () => {
    const { counts } = await runWith((index, offset, text) =>
      index === victim && offset === 5 ? [text, text] : [text],
    );
    expect(counts.duplicate).toBe(1);
    expect(counts.missing).toBe(0);
  });

  it('notices a frame that is no publication', async () => {
    const strange = '{"event":"f","type":"gap"}';
    const { counts } = await runWith((index, offset, text) =>
      index === victim && offset === 5 ? [strange, text] : [text],
    );
    expect(counts.unexpected + counts.duplicate).toBeGreaterThan(0);
  });
});

it('a checked subscriber notices what comes in another order', async () => {
  let held = '';
  const { counts } = await runWith((index, offset, text) => {
    if (index !== checked) return [text];
    if (offset === 5) held = text;
    return offset === 5 ? [] : offset === 6 ? [text, held] : [text];
  });
  expect(counts.outOfOrder).toBeGreaterThan(0);
  expect(counts.missing).toBe(0);
});
