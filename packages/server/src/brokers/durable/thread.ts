/** The thread of the durable log: a commit never keeps the server's own loop waiting. */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { isInUse, reasonOf } from './faults.ts';
import type { LogBatch, LogMessage, LogOptions } from './messages.ts';
import { LogStore } from './store.ts';

/** How long an answered commit may stay unsynced with `sync: 'interval'`. */
const syncMs = 1_000;

function say(message: LogMessage): void {
  parentPort?.postMessage(message);
}

function serve(options: LogOptions): void {
  const store = new LogStore(options);
  const syncing = options.sync === 'interval' ? syncEvery(`${options.file}-wal`) : undefined;
  parentPort?.on('message', (batch: LogBatch | 'close') => {
    if (batch === 'close') {
      syncing?.();
      store.close();
      parentPort?.close();
      return;
    }
    try {
      const answers = store.run(batch);
      say({ kind: 'answers', answers });
    } catch (error) {
      say({ kind: 'failed', reason: reasonOf(error) });
    }
  });
  say({ kind: 'open' });
}

/** SQLite itself syncs the file only when it moves it into the database; returns what ends this. */
function syncEvery(file: string): () => void {
  const descriptor = openSync(file, 'r+');
  // Where it fails, the next commit fails too, and that is told.
  const timer = setInterval(() => fdatasync(descriptor, () => {}), syncMs);
  return () => {
    clearInterval(timer);
    closeSync(descriptor);
  };
}

try {
  serve(workerData as LogOptions);
} catch (error) {
  say({ kind: 'fault', reason: reasonOf(error), isInUse: isInUse(error) });
}
