/** Where publications are numbered and kept: in memory, or in a log on disk. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import type { Settings } from '../config/settings.ts';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Keep } from '../core/keep.ts';
import type { Log } from '../core/log.ts';
import { randomEpoch } from '../system/ids.ts';
import { logFile, makeDataDir } from './data-dir.ts';

/** `keep`: where small facts outlive the process, where something does. */
export async function createBroker(
  { dataDir, sync, limits }: Settings,
  clock: Clock,
  log: Log,
): Promise<{ readonly broker: Broker; readonly keep?: Keep }> {
  if (dataDir === undefined) {
    const maxBytes = limits.memoryHistoryBytes;
    return { broker: new MemoryBroker({ clock, newEpoch: randomEpoch, maxBytes }) };
  }
  const { DurableBroker } = await import('../brokers/durable/broker.ts');
  await makeDataDir(dataDir);
  const broker = new DurableBroker({
    file: logFile(dataDir),
    maxBytes: limits.dataBytes,
    sync,
    bootId: bootId(),
    newEpoch: randomEpoch,
    clock,
    log,
  });
  return { broker, keep: broker };
}

/** Differs from one start of the machine to the next. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // The minute of the start; that it may be a minute off only means new epochs too often.
    return String(Math.round((Date.now() / 1_000 - uptime()) / 60));
  }
}
