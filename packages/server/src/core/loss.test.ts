import { expect, it } from 'vitest';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { bareWire, nativeWire, rawWire } from '../transports/websocket/wires.ts';
import type { Connection } from './connection.ts';
import { Node } from './node.ts';
import { Rules } from './rules.ts';
import type { Wire } from './wire.ts';

/** Remembers what it was sent, without the header of the frame, and how it ended. */
class Recorder implements Connection {
  readonly sent: string[] = [];
  ended: number | undefined;
  readonly wire: Wire;
  readonly address = '127.0.0.1';

  constructor(wire: Wire) {
    this.wire = wire;
  }

  write(bytes: Buffer): boolean {
    this.sent.push(bytes.toString('latin1').replace(/^\x81./s, ''));
    return true;
  }

  cork(): void {}

  uncork(): boolean {
    return true;
  }

  pause(): void {}

  resume(): void {}

  close({ code }: { readonly code: number }): void {
    this.ended = code;
  }
}

it('tells the subscribers of the channels that match, and ends those who have no words for it with 3010', async () => {
  const clock = new VirtualClock();
  const node = new Node({
    broker: new MemoryBroker({ clock, newEpoch: () => 'e' }),
    rules: new Rules([{ pattern: '*', subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' }]),
    authenticator: { admitsAnonymous: true, authenticate: () => Promise.reject(new Error('no tokens')) },
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    newSessionId: () => crypto.randomUUID(),
    channelsPerConnection: 10,
    laneLogBytes: 1_000_000,
  });
  await node.start();
  const request = { address: '127.0.0.1', headers: {} };
  const connections = [new Recorder(nativeWire), new Recorder(rawWire), new Recorder(nativeWire)];
  for (const [at, connection] of connections.entries()) {
    const channel = at === 2 ? 'b:1' : 'a:1';
    node.accept(connection, request).received(`{"op":"subscribe","channel":"${channel}"}`);
  }
  const bare = [new Recorder(bareWire), new Recorder(bareWire)];
  for (const [at, connection] of bare.entries()) {
    const feed = await node.prepareFeed({ ...request, channels: [at === 1 ? 'b:1' : 'a:1', 'c:1'] });
    feed.open(connection);
  }
  await new Promise(setImmediate);
  clock.flushTurn();
  for (const connection of connections) connection.sent.length = 0;

  expect(node.tellLoss({ patterns: ['a:*'] })).toBe(3);
  clock.flushTurn();
  const gap = '{"event":"a:1","type":"gap"}';
  expect(connections.map(({ sent }) => sent)).toEqual([[gap], [gap], []]);
  expect(bare.map(({ ended }) => ended)).toEqual([3010, undefined]);
  expect(node.figures().counters.gaps).toBe(3);
  expect(node.tellLoss({ channels: new Set(['b:1', 'a:*']) })).toBe(2);
  await node.close();
});
