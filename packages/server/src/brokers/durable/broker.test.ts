import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomEpoch } from '../../system/ids.ts';
import { ShiftedClock } from '../../testing/shifted-clock.ts';
import { brokerContract } from '../broker.contract.ts';
import { DurableBroker } from './broker.ts';

const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

for (const sync of ['always', 'interval', 'off'] as const) {
  brokerContract(`the durable log, sync ${sync}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-log-'));
    const clock = new ShiftedClock();
    const file = join(folder, 'carillon.db');
    const broker = new DurableBroker({
      file,
      maxBytes: 100_000_000,
      sync,
      bootId: 'boot',
      newEpoch: randomEpoch,
      clock,
      log,
    });
    return {
      broker,
      elapse: async (ms) => clock.shift(ms),
      end: async () => rmSync(folder, { recursive: true }),
    };
  });
}
