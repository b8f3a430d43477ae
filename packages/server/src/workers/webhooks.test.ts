/** Webhooks that are the primary's: what reaches them of workers, and what workers know of them. */
import { expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import type { LifecycleName } from '../core/lifecycle.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { LinkedWebhooks, SharedWebhooks } from './webhooks.ts';

/** The webhooks of the primary, of which a test says what they want. */
class FakeWebhooks {
  wanted: readonly LifecycleName[];
  readonly told: string[] = [];

  constructor(...wanted: readonly LifecycleName[]) {
    this.wanted = wanted;
  }

  wants(name: LifecycleName): boolean {
    return this.wanted.includes(name);
  }

  tell(name: LifecycleName, event: object): void {
    this.told.push(`${name} ${Object.values(event).join(' ')}`);
  }

  report(deadLetters: number): string {
    return `{"webhooks":${deadLetters}}`;
  }

  retry({ webhook = 0 }: { readonly webhook?: number }): { letters: number; events: number } {
    if (webhook > 0) throw refuse('badRequest', 'no such webhook');
    return { letters: 1, events: 2 };
  }
}

function start(webhooks: FakeWebhooks) {
  const desk = new SharedWebhooks(webhooks);
  const linked = new LinkedWorkers({ shared: [desk] });
  const begin = async (): Promise<{ worker: TestWorker; remote: LinkedWebhooks }> => {
    const worker = linked.begin();
    return { worker, remote: await LinkedWebhooks.start(worker.calls) };
  };
  return { desk, linked, begin };
}

test('WBH9 what happens at a worker is told to the primary’s webhooks, if they want it, in order', async () => {
  const webhooks = new FakeWebhooks('connect', 'disconnect');
  const { linked, begin } = start(webhooks);
  const [one, two] = [await begin(), await begin()];
  expect([one.remote.wants('connect'), two.remote.wants('userOnline')]).toEqual([true, false]);
  for (const session of ['1.a', '1.b']) {
    one.remote.tell('connect', { session, address: '192.0.2.1' });
    one.remote.tell('disconnect', { session, code: 3000 });
  }
  await settled();
  expect(webhooks.told).toEqual([
    'connect 1.a 192.0.2.1',
    'disconnect 1.a 3000',
    'connect 1.b 192.0.2.1',
    'disconnect 1.b 3000',
  ]);
  expect(linked.faults).toEqual([]);
});

test('WBH9 every worker knows what the webhooks want, after a reload, too', async () => {
  const webhooks = new FakeWebhooks('connect');
  const { desk, begin } = start(webhooks);
  const [one, two] = [await begin(), await begin()];
  webhooks.wanted = ['userOnline'];
  desk.changed();
  const three = await begin();
  await settled();
  for (const { remote } of [one, two, three]) {
    expect([remote.wants('connect'), remote.wants('userOnline')]).toEqual([false, true]);
  }
  // Told before the worker knew better.
  two.remote.tell('connect', { session: '2.a', address: '192.0.2.1' });
  await settled();
  expect(webhooks.told).toEqual([]);
});

test('WBH9 any worker answers what the API asks, refusals too', async () => {
  const { begin } = start(new FakeWebhooks());
  const { remote } = await begin();
  expect(await remote.report(7)).toBe('{"webhooks":7}');
  expect(await remote.retry({})).toEqual({ letters: 1, events: 2 });
  await expect(remote.retry({ webhook: 3 })).rejects.toMatchObject({ code: 107 });
  expect(remote.figures()).toEqual([]);
});
