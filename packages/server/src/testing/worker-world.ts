/** A server of several workers, or one process alone: clients come to one node after another, and any node is asked. */
import type { Identity } from '../core/access.ts';
import type { Node } from '../core/node.ts';
import { apiInside } from '../http/api/inside.ts';
import { meshMethods } from '../http/api/mesh.ts';
import type { Verbs } from '../http/api/method.ts';
import { verbsOf } from '../server/verbs.ts';
import { CoreHost, type TestClient } from './core-host.ts';
import type { TestWorker } from './linked.ts';
import { LinkedHosts } from './linked-hosts.ts';
import { RememberingLog } from './remembering-log.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A token is a user's name; the user has the tags of this table. */
const tagsOf: Readonly<Record<string, Identity['tags']>> = {
  ann: { vip: true, city: 'sh' },
  bob: { city: 'sh' },
  cat: { vip: true, city: 'bj' },
};
const authenticate = async (user: string): Promise<Identity> => ({
  user,
  ...(tagsOf[user] && { tags: tagsOf[user] }),
});

/** A client, wherever it is connected. */
export interface WorldClient {
  readonly test: TestClient;
  readonly session: string;
  /** Which of the nodes has it. */
  readonly at: number;
}

interface WorldNode {
  readonly host: CoreHost;
  readonly verbs: Verbs;
  readonly worker?: TestWorker;
}

export class World {
  readonly clock: VirtualClock;
  readonly log = new RememberingLog();
  readonly #nodes: WorldNode[] = [];
  /** Of the sessions that come next. */
  readonly #names: string[] = [];
  #sessions = 0;

  private constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** One process. */
  static async alone(): Promise<World> {
    const world = new World(new VirtualClock());
    const host = new CoreHost({ authenticate, newSessionId: () => world.#nextName() }, world.clock);
    await host.node.start();
    world.#nodes.push({ host, verbs: verbs(host.node) });
    return world;
  }

  /** A primary, and so many workers. */
  static async of(count: number): Promise<World> {
    const world = new World(new VirtualClock());
    const primary = new LinkedHosts({ authenticate, clock: world.clock });
    await primary.start();
    for (let made = 0; made < count; made++) {
      const host = await primary.add(() => world.#nextName());
      const { worker } = host;
      world.#nodes.push({ host, worker, verbs: verbs(host.node, worker) });
    }
    return world;
  }

  get nodes(): readonly WorldNode[] {
    return this.#nodes;
  }

  /** Who comes next has a number as its name; the rest of it is the worker's. */
  async connect(user?: string): Promise<WorldClient> {
    this.#sessions += 1;
    const at = this.#sessions % this.#nodes.length;
    const name = `<${this.#sessions}>`;
    this.#names.push(name);
    const { host, worker } = this.#node(at);
    const test = host.connect(user === undefined ? {} : { token: user });
    await this.settle();
    // Who comes later has a later time.
    await this.clock.elapse(5);
    return { test, session: worker?.sessionId(name) ?? name, at };
  }

  /** The answer's JSON text, of a method or a mesh method; a refusal as `code status message`. Any node may be asked. */
  async api(method: string, params: unknown, at = 0): Promise<string> {
    const asked = this.#run(method, JSON.stringify(params), this.#node(at).verbs).catch(
      (error: { code?: number; status?: number; message: string }) =>
        `${error.code} ${error.status} ${error.message}`,
    );
    let answer: string | undefined;
    void asked.then((text) => {
      answer = text;
    });
    for (let turn = 0; answer === undefined && turn < 2_000; turn++) await this.clock.elapse(0);
    await this.settle();
    return answer ?? 'no answer';
  }

  /** Everything that is under way arrives. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await this.clock.elapse(0);
  }

  /** The process of a worker is killed. */
  async kill(at: number): Promise<void> {
    this.#node(at).worker?.end();
    await this.settle();
  }

  async #run(method: string, json: string, verbs: Verbs): Promise<string> {
    const mesh = meshMethods.find(({ name }) => name === method);
    if (mesh === undefined) return apiInside(verbs, this.log)(method, json);
    const prepared = mesh.prepare(JSON.parse(json), { json, start: 0 }, verbs);
    return typeof prepared === 'function' ? prepared() : JSON.stringify(prepared);
  }

  #node(at: number): WorldNode {
    const node = this.#nodes[at % this.#nodes.length];
    if (node === undefined) throw new Error('there is no such node');
    return node;
  }

  #nextName(): string {
    return this.#names.shift() ?? '';
  }
}

function verbs(node: Node, worker?: TestWorker): Verbs {
  return verbsOf(node, worker, { info: () => ({}) });
}
