import { expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';

/** Every look at it takes a millisecond. */
class SlowClock extends VirtualClock {
  /** Called at the end of every turn that somebody waited for. */
  onTurnEnd: (() => void) | undefined;
  #looks = 0;

  override now(): number {
    this.#looks += 1;
    return super.now() + this.#looks;
  }

  override atTurnEnd(task: () => void): void {
    super.atTurnEnd(() => {
      task();
      this.onTurnEnd?.();
    });
  }
}

test('publications to very many small channels leave in several turns: a slice is one, however narrow the channels', async () => {
  const clock = new SlowClock();
  const host = await startCore({ clock });
  const clients = Array.from({ length: 1_000 }, () => host.connect());
  for (const [index, client] of clients.entries()) client.send({ op: 'subscribe', channel: `n:${index}` });
  await host.settle();
  for (const client of clients) client.lines();
  const reached: number[] = [];
  clock.onTurnEnd = () => {
    const { deliveries } = host.node.figures().counters;
    const sum = [...deliveries.values()].reduce((total, count) => total + count, 0);
    if (sum > (reached.at(-1) ?? 0)) reached.push(sum);
  };
  for (const index of clients.keys()) void host.node.publish(`n:${index}`, `${index}`);
  await host.settle();
  expect(reached.length).toBeGreaterThan(2);
  expect(reached[0]).toBeLessThan(1_000);
  expect(clients.map((client) => client.lines().length)).toEqual(clients.map(() => 1));
});
