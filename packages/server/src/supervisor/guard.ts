/** Sees to it that a worker does not outlive its primary, even where its own loop never gets to know that it is alone. */
import type * as net from 'node:net';
import { Worker } from 'node:worker_threads';

/** What the thread is told. */
export interface GuardData {
  /** Ends when the primary does. */
  readonly descriptor: number;
  /** How long after that this process has to end by itself, in milliseconds. */
  readonly graceMs: number;
}

/**
 * A thread of its own, because a worker that loops, or that starts and loads for long, hears nothing. Left alone it would keep the
 * port, and no server could be started in its place.
 */
export function guard(data: GuardData): void {
  // As text: a file of its own would bring what reads TypeScript along, which takes as much memory again.
  const code = `(${waitForEnd})(require('node:net'), require('node:worker_threads').workerData)`;
  const thread = new Worker(code, {
    eval: true,
    name: 'guard',
    workerData: data,
    // It holds one socket and one timer.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.unref();
  // Without it a worker that hears of its primary's end goes all the same.
  thread.on('error', () => {});
}

/** What the thread runs; it sees nothing of this file. */
function waitForEnd({ Socket }: typeof net, { descriptor, graceMs }: GuardData): void {
  const line = new Socket({ fd: descriptor, readable: true, writable: false });
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  // 'close' follows an error.
  line.on('error', () => {}).on('close', () => setTimeout(end, graceMs));
  line.resume();
}
