/** Sees to it that a worker does not outlive its primary, even where its own loop never gets to know that it is alone. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const ownEnding = extname(fileURLToPath(import.meta.url));
const entry = new URL(`./guard-thread${ownEnding}`, import.meta.url);

/** What the thread is told. */
export interface GuardData {
  /** Ends when the primary does. */
  readonly descriptor: number;
  /** How long after that this process has to end by itself. */
  readonly graceMs: number;
}

/**
 * A thread of its own, because a worker that loops, or that starts and loads for long, hears nothing. Left alone it would keep the
 * port, and no server could be started in its place.
 */
export function guard(data: GuardData): void {
  const thread = new Worker(entry, {
    name: 'guard',
    workerData: data,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // It holds one socket and one timer.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.unref();
  // Without it a worker that hears of its primary's end goes all the same.
  thread.on('error', () => {});
}
