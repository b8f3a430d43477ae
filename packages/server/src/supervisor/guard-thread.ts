/** The thread that waits for the primary's end, and then ends this process if that has not gone by itself. */
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import type { GuardData } from './guard.ts';

const { descriptor, graceMs } = workerData as GuardData;
const line = new Socket({ fd: descriptor, readable: true, writable: false });
// 'close' follows.
line.on('error', () => {}).on('close', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs));
line.resume();
