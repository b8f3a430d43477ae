/** The thread of the durable log: a commit never keeps the server's own loop waiting. */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { isInUse, reasonOf } from './faults.ts';
import type { LogAnswer, LogBatch, LogMessage, LogOptions, NotDone } from './messages.ts';
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
    say({ kind: 'answers', answers: answersTo(store, batch) });
  });
  say({ kind: 'open' });
}

/** What cannot be committed together is tried one by one: one write that finds no room must not take reads and others with it. */
function answersTo(store: LogStore, batch: LogBatch): readonly (LogAnswer | NotDone)[] {
  try {
    return store.run(batch);
  } catch (error) {
    const { now, requests } = batch;
    if (requests.length === 1) return [{ notDone: reasonOf(error) }];
    return requests.flatMap((request) => answersTo(store, { now, requests: [request] }));
  }
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
