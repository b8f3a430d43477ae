import { expect, test } from 'vitest';
import { Heartbeat } from './heartbeat.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';

function start() {
  const timers = new VirtualTimers();
  const told: string[] = [];
  const heartbeat = new Heartbeat(
    timers,
    () => told.push(`ask ${timers.now()}`),
    () => told.push(`dead ${timers.now()}`),
  );
  heartbeat.start();
  return { timers, told, heartbeat };
}

test('after 35 s of silence it asks, and after 10 s more it gives up, once', async () => {
  const { timers, told } = start();
  await timers.pass(200_000);
  expect(told).toEqual(['ask 35000', 'dead 45000']);
});

test('what is received puts the question off', async () => {
  const { timers, told, heartbeat } = start();
  for (let count = 0; count < 20; count++) {
    await timers.pass(30_000);
    heartbeat.heard();
  }
  expect(told).toEqual([]);
  await timers.pass(35_000);
  expect(told).toEqual(['ask 635000']);
});

test('an answer keeps the connection, and the next silence is asked about again', async () => {
  const { timers, told, heartbeat } = start();
  await timers.pass(36_000);
  heartbeat.heard();
  await timers.pass(35_000);
  expect(told).toEqual(['ask 35000', 'ask 71000']);
});

test('a device that woke up is asked for at once, and not twice', async () => {
  const { timers, told, heartbeat } = start();
  await timers.pass(1_000);
  heartbeat.probe();
  heartbeat.probe();
  await timers.pass(10_000);
  expect(told).toEqual(['ask 1000', 'dead 11000']);
});

test('once stopped it is silent and leaves no timer', async () => {
  const { timers, told, heartbeat } = start();
  heartbeat.stop();
  heartbeat.probe();
  await timers.pass(100_000);
  expect(told).toEqual([]);
  expect(timers.waiting).toBe(0);
});
