/** Seeded clients and requests, with one property: several workers answer and deliver what one process does. */
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { Twins } from '../../packages/server/src/testing/twins.ts';
import { pick, type Random, random } from '../support/random.ts';

const only = env['SEED'];
const seeds = only === undefined ? Array.from({ length: 25 }, (_, index) => index + 1) : [Number(only)];
const steps = 120;
const tokens = ['ann', 'ann', 'bob', 'cat', 'dan', undefined];
const users = ['ann', 'bob', 'cat', 'dan', 'nobody'];
const groups = ['g1', 'g2', 'g3'];
const channels = ['h:1', 'n:1', 'closed'];
const wheres = ['vip', '!vip', 'city=sh | new', 'vip & !city=sh'];

const total = { reached: 0, ended: 0, refused: 0, listed: 0 };

class Town {
  readonly #draw: Random;
  readonly #twins: Twins;
  #left = new Set<number>();

  constructor(draw: Random, twins: Twins) {
    [this.#draw, this.#twins] = [draw, twins];
  }

  async step(): Promise<void> {
    const act = this.#draw(20);
    if (act < 3) await this.#twins.connect(pick(this.#draw, tokens));
    else if (act < 4) await this.#leave();
    else if (act < 6) await this.#subscribe();
    else await this.#ask();
  }

  async #leave(): Promise<void> {
    const client = 1 + this.#draw(this.#twins.clients.length);
    this.#left.add(client);
    await this.#twins.leave(client);
  }

  async #subscribe(): Promise<void> {
    const client = 1 + this.#draw(this.#twins.clients.length);
    const op = pick(this.#draw, ['subscribe', 'subscribe', 'unsubscribe']);
    if (!this.#left.has(client))
      await this.#twins.command(client, { op, channel: pick(this.#draw, channels) });
  }

  async #ask(): Promise<void> {
    const [method, params] = pick(this.#draw, this.#requests());
    const answer = await this.#twins.api(method, params);
    if (typeof answer === 'string') total.refused += 1;
    else if (method === 'disconnect') total.ended += (answer as { sessions: number }).sessions;
    else if (method === 'send') total.reached += (answer as { sessions: number }).sessions;
    else if (method === 'sessions') total.listed += (answer as { total: number }).total;
  }

  #requests(): readonly (readonly [method: string, params: object])[] {
    const draw = this.#draw;
    const member = pick(draw, [{ session: this.#session() }, { user: pick(draw, users) }]);
    const [session, group, channel] = [this.#session(), pick(draw, groups), pick(draw, channels)];
    const [to, exclude] = [this.#to(), { users: [pick(draw, users)], sessions: [this.#session()] }];
    const data = draw(1_000);
    return [
      ...([
        ['send', { to, data }],
        ['send', { to, data, exclude }],
        ['send', { to: { all: true }, data }],
      ] as const),
      ['disconnect', { to: pick(draw, [{ session }, { sessions: [session, this.#session()] }]) }],
      ...([
        ['sessions', { to }],
        ['sessions', {}],
        ['session', { session }],
      ] as const),
      ...([
        ['user', { user: pick(draw, users) }],
        ['group', { group }],
        ['groups', {}],
      ] as const),
      ...([
        ['group_join', { group, ...member }],
        ['group_join', { group, session }],
      ] as const),
      ...([
        ['group_leave', { group, ...member }],
        ['group_destroy', { group }],
      ] as const),
      ...([
        ['bind', { session, user: pick(draw, users) }],
        ['unbind', { session }],
      ] as const),
      ...([
        ['tag', { ...member, tags: { new: true } }],
        ['untag', { ...member, tags: ['vip'] }],
      ] as const),
      ['context_update', { session, context: { [pick(draw, ['a', 'b'])]: pick(draw, [null, data]) } }],
      ...([
        ['subscribe', { ...member, channel }],
        ['unsubscribe', { ...member, channel }],
      ] as const),
      ...([
        ['publish', { channel, data }],
        ['channels', {}],
      ] as const),
    ];
  }

  #session(): string {
    return `<${1 + this.#draw(this.#twins.clients.length + 1)}>`;
  }

  #to(): object {
    const draw = this.#draw;
    return pick(draw, [
      { sessions: [this.#session(), this.#session(), this.#session()] },
      { users: [pick(draw, users), pick(draw, users)] },
      { groups: [pick(draw, groups), pick(draw, groups)] },
      { channel: pick(draw, channels) },
      { where: pick(draw, wheres) },
    ]);
  }
}

test('ADR15 several workers answer and deliver what one process does', async () => {
  for (const seed of seeds) {
    const draw = random(seed);
    const twins = await Twins.start(2 + draw(3));
    const town = new Town(draw, twins);
    await twins.connect('ann', 'bob', undefined);
    try {
      for (let step = 0; step < steps; step++) await town.step();
      twins.got();
      twins.ends();
    } catch (error) {
      throw new Error(`seed ${seed} (SEED=${seed} runs only it): ${String(error)}`, { cause: error });
    }
  }
});

test.skipIf(only !== undefined)('the towns were busy enough to mean something', () => {
  expect(total.reached).toBeGreaterThan(1_000);
  expect(total.listed).toBeGreaterThan(500);
  expect(total.ended).toBeGreaterThan(30);
  expect(total.refused).toBeGreaterThan(30);
});
