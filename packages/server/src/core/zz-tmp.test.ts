import { expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
class SlowClock extends VirtualClock {
  slow = false; queue: (() => void)[] = []; #looks = 0;
  override now(): number { if (this.slow) this.#looks += 10; return super.now() + this.#looks; }
  override atTurnEnd(task: () => void): void { if (this.slow) this.queue.push(task); else super.atTurnEnd(task); }
}
test(`overload`, async () => {
  const clock = new SlowClock();
  const host = await startCore({ clock, laneLogBytes: 65_536 });
  const clients = Array.from({ length: 4_000 }, () => host.connect({ capacity: 1e9 }));
  for (const c of clients) { c.send({ op: 'subscribe', channel: 'n:1' }); }
  await host.settle();
  for (const c of clients) c.lines();
  clock.slow = true;
  const data = `"${'x'.repeat(20_000)}"`;
  const seen: number[] = [];
  for (let turn = 0; turn < 400; turn++) {
    for (let i = 0; i < 4; i++) await host.node.publish('n:1', data);
    const tasks = clock.queue; clock.queue = [];
    for (const t of tasks) t();
    clock.slow = false; clock.advance(2); clock.slow = true;
    for (const c of clients) c.connection.read();
    if (turn % 50 === 0) seen.push(host.node.figures().laneLogBytes);
  }
  console.log('log', seen.join(' '));
  expect(1).toBe(1);
}, 60000);
