/** One subscriber stops reading while 100 MB flow through its channel: what that costs, and what it gets when it reads again. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../packages/protocol/src/index.ts';
import {
  type CoreHost,
  memoryBroker,
  startCore,
  type TestClient,
} from '../../packages/server/src/testing/core-host.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';
import { VirtualClock } from '../../packages/server/src/testing/virtual-clock.ts';

const publications = 100_000;
const perTurn = 100;
const historySize = 5_000;
const readers = 3;
const data = JSON.stringify('x'.repeat(1_000));
/** What the system holds for a socket that nobody reads. */
const capacity = 2_000_000;
const rule = { pattern: '*', subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;

interface Event {
  readonly event?: string;
  readonly type?: string;
  readonly offset?: number;
  readonly from?: number;
  readonly to?: number;
}

/** What came, without its data: 100 MB of it need not be parsed. */
function events(lines: readonly string[]): Event[] {
  return lines.map((line) => JSON.parse(line.replace(data, 'null')) as Event);
}

async function publishTurn(host: CoreHost, channel: string): Promise<void> {
  await Promise.all(Array.from({ length: perTurn }, () => host.node.publish(channel, data)));
  await host.settle();
}

/** Runs the flood; the most bytes that lanes kept after any turn. Every reader must have got everything in every turn. */
async function flood(host: CoreHost, channel: string, others: readonly TestClient[]): Promise<number> {
  let most = 0;
  for (let turn = 0; turn < publications / perTurn; turn++) {
    await publishTurn(host, channel);
    for (const other of others) {
      const lines = other.lines().length;
      if (lines !== perTurn) throw new Error(`a reader got ${lines} publications in turn ${turn}`);
    }
    most = Math.max(most, host.node.figures().laneLogBytes);
  }
  return most;
}

describe.each(['in one channel', 'in a channel without history'])(
  'REC9 a subscriber that stops reading, %s',
  (where) => {
    const keeps = where === 'in one channel';
    const channel = 'a';

    test('costs no more than the bounds, delays nobody, and is told once when it reads again', async () => {
      const retention = { size: historySize, ttlMs: 600_000 };
      const clock = new VirtualClock();
      const host = await startCore({
        rules: [keeps ? { ...rule, retention } : rule],
        broker: memoryBroker(clock),
        clock,
      });
      const wire = new LineWire();
      const stalled = host.connect({ wire, capacity });
      const others = Array.from({ length: readers }, () => host.connect({ wire }));
      for (const client of [stalled, ...others]) await client.ask({ op: 'subscribe', channel });

      const mostKept = await flood(host, channel, others);
      expect(mostKept).toBeGreaterThan(limits.laneLogBytes / 2);
      expect(mostKept).toBeLessThanOrEqual(limits.laneLogBytes);
      expect(stalled.connection.mostPending).toBeLessThanOrEqual(limits.joinedWriteBytes);
      expect(stalled.connection.isPaused).toBe(true);
      expect(wire.encoded).toBe(publications);

      const late = events(await stalled.settledLines());
      const gaps = late.filter(({ type }) => type === 'gap');
      expect(gaps).toHaveLength(1);
      expect(host.node.figures().counters.gaps).toBe(1);
      const at = late.findIndex(({ type }) => type === 'gap');
      const [before, after] = [late.slice(0, at), late.slice(at + 1)];
      if (keeps) {
        const from = before.length + 1;
        expect(gaps[0]).toMatchObject({ event: channel, from, to: publications - historySize });
        expect(before.map(({ offset }) => offset)).toEqual(numbers(1, before.length));
        expect(after.map(({ offset }) => offset)).toEqual(
          numbers(publications - historySize + 1, historySize),
        );
      } else {
        expect(gaps[0]).toEqual({ event: channel, type: 'gap' });
        expect(after.length).toBeGreaterThan(limits.laneLogBytes / 2 / (data.length + 50));
      }

      await publishTurn(host, channel);
      const live = events(await stalled.settledLines());
      expect(live).toHaveLength(perTurn);
      if (keeps) expect(live.map(({ offset }) => offset)).toEqual(numbers(publications + 1, perTurn));
      expect(stalled.connection.isPaused).toBe(false);
      expect(host.node.figures().laneLogBytes).toBe(0);
    });
  },
);

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
