/** One process and several workers with the same clients, asked the same: whatever they answer and deliver must be the same. */
import { expect } from 'vitest';
import { World, type WorldClient } from './worker-world.ts';

export class Twins {
  readonly one: World;
  readonly several: World;
  readonly clients: { readonly one: WorldClient; readonly several: WorldClient }[] = [];
  #asked = 0;

  private constructor(one: World, several: World) {
    [this.one, this.several] = [one, several];
  }

  static async start(workers = 3): Promise<Twins> {
    return new Twins(await World.alone(), await World.of(workers));
  }

  async connect(...users: readonly (string | undefined)[]): Promise<void> {
    for (const user of users)
      this.clients.push({ one: await this.one.connect(user), several: await this.several.connect(user) });
  }

  /** Has clients, by number from 1, send a frame. */
  async command(client: number, frame: object): Promise<void> {
    const { one, several } = this.client(client);
    one.test.send(frame);
    several.test.send(frame);
    await this.settle();
  }

  async leave(client: number): Promise<void> {
    const { one, several } = this.client(client);
    one.test.connection.cut();
    several.test.connection.cut();
    await this.settle();
  }

  /** `<1>` in the parameters is the session of the first client. Asks workers in turns, and one process; gives what both answer. */
  async api(method: string, params: object): Promise<unknown> {
    this.#asked += 1;
    const one = this.#known(await this.one.api(method, this.#named(params, 'one')));
    const several = this.#known(await this.several.api(method, this.#named(params, 'several'), this.#asked));
    expect([method, params, several]).toEqual([method, params, one]);
    expect(one).not.toBe('no answer');
    return one.startsWith('{') ? JSON.parse(one) : one;
  }

  /** Every page of it, each but the last with a cursor. */
  async pages(method: string, params: object): Promise<unknown[]> {
    const ask = async (side: 'one' | 'several'): Promise<unknown[]> => {
      const pages: unknown[] = [];
      let cursor: string | undefined;
      do {
        const at = pages.length;
        const json = await this[side].api(method, { ...this.#named(params, side), cursor }, at);
        const { cursor: next, ...page } = JSON.parse(json) as { cursor?: string };
        pages.push(JSON.parse(this.#known(JSON.stringify(page))));
        cursor = next;
      } while (cursor !== undefined && pages.length < 100);
      return pages;
    };
    const [one, several] = [await ask('one'), await ask('several')];
    expect(several).toEqual(one);
    return one;
  }

  /** What clients got since the last time: the same at both. */
  got(): string[][] {
    const [one, several] = (['one', 'several'] as const).map((side) =>
      this.clients.map((client) => client[side].test.lines().map((line) => this.#known(line))),
    );
    expect(several).toEqual(one);
    return one ?? [];
  }

  /** The close codes of clients: the same at both. */
  ends(): (number | undefined)[] {
    const [one, several] = (['one', 'several'] as const).map((side) =>
      this.clients.map((client) => client[side].test.connection.ended?.code),
    );
    expect(several).toEqual(one);
    return one ?? [];
  }

  client(number: number): { readonly one: WorldClient; readonly several: WorldClient } {
    const client = this.clients[number - 1];
    if (client === undefined) throw new Error(`there is no client ${number}`);
    return client;
  }

  async settle(): Promise<void> {
    await this.one.settle();
    await this.several.settle();
  }

  #named(params: object, side: 'one' | 'several'): object {
    const text = JSON.stringify(params).replace(/<(\d+)>/g, (name, number: string) => {
      const client = this.clients[Number(number) - 1];
      return client?.[side].session ?? (side === 'one' ? name : `3.${name}`);
    });
    return JSON.parse(text) as object;
  }

  #known(text: string): string {
    return text.replace(/\d\.<(\d+)>/g, '<$1>').replace(/"(cursor|epoch)":"[^"]*"/g, '"$1":"..."');
  }
}
