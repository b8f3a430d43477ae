/** The hooks of all workers as one: what the primary asks and tells, it asks and tells of one of them. */
import { refuse } from '../core/errors.ts';
import type { HookAnswers, HookEvents, HookName, Hooks } from '../core/hooks.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from '../core/lifecycle.ts';
import type { Calls, MethodsOf } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

/** The hooks of one process. */
export interface NamedHooks extends Hooks, LifecycleSink {
  /** `named` hears which there are, now and whenever that changes. */
  watch(named: (names: readonly string[]) => void): void;
}

/** The hooks that a worker has. */
export interface HookNames {
  readonly asked: readonly string[];
  readonly told: readonly string[];
}

/** What the primary offers each worker under the name `hookNames`. */
export interface HookNamesVerbs {
  have(names: HookNames): void;
  /** Resolves when the worker is neither asked nor told any more, and everything that it was asked is answered. */
  leave(): Promise<void>;
}

const offered: readonly MethodsOf<Hooks & LifecycleSink>[] = ['ask', 'tell'];

/** A worker's hooks, for the primary to ask and tell. */
export class OfferedHooks {
  readonly #calls: Calls;
  #isLeaving = false;

  /** From here on the primary knows which hooks there are: call when they are loaded. */
  constructor(calls: Calls, hooks: NamedHooks) {
    this.#calls = calls;
    calls.offer<Hooks & LifecycleSink>('hooks', hooks, offered);
    const primary = calls.told<HookNamesVerbs>('hookNames');
    hooks.watch((names) => {
      if (this.#isLeaving) return;
      primary.have({
        asked: names.filter((name) => hooks.has(name as HookName)),
        told: names.filter((name) => hooks.wants(name as LifecycleName)),
      });
    });
  }

  /** Call before the hooks end. Resolves when the primary asks and tells nothing more; never rejects. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    // Without a primary nobody asks either.
    await this.#calls
      .remote<HookNamesVerbs>('hookNames')
      .leave()
      .catch(() => undefined);
  }
}

/** The primary's: whatever is asked or told here goes to the hooks of one worker. */
export class SharedHooks implements Hooks, LifecycleSink {
  readonly #workers = new Map<number, WorkerHooks>();
  /** The worker that was asked last. */
  #lastAsked = 0;

  begun({ id, calls }: LinkedWorker): void {
    const worker = new WorkerHooks(id, calls);
    calls.offer<HookNamesVerbs>('hookNames', worker, ['have', 'leave']);
    this.#workers.set(id, worker);
  }

  gone(id: number): void {
    this.#workers.delete(id);
  }

  has(name: HookName): boolean {
    for (const { asked } of this.#workers.values()) if (asked.has(name)) return true;
    return false;
  }

  /** Asks one worker after another in turns; the next one, where a worker ends before it has answered. 108 where none is left. */
  async ask<Name extends HookName>(name: Name, event: HookEvents[Name]): Promise<HookAnswers[Name]> {
    for (let worker = this.#next(name); worker !== undefined; worker = this.#next(name)) {
      try {
        return await worker.ask(name, event);
      } catch (error) {
        if (this.#workers.get(worker.id) === worker) throw error;
      }
    }
    throw refuse('notAvailable', `no worker can ask the hook '${name}' now; try again later`);
  }

  wants(name: LifecycleName): boolean {
    return this.#listener(name) !== undefined;
  }

  /** All events go to the worker that came last, so that their order stays. */
  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.#listener(name)?.tell(name, event);
  }

  #next(name: HookName): WorkerHooks | undefined {
    const able = [...this.#workers.values()].filter(({ asked, hasLeft }) => !hasLeft && asked.has(name));
    const next = able.find(({ id }) => id > this.#lastAsked) ?? able[0];
    if (next !== undefined) this.#lastAsked = next.id;
    return next;
  }

  #listener(name: LifecycleName): WorkerHooks | undefined {
    let last: WorkerHooks | undefined;
    for (const worker of this.#workers.values()) if (!worker.hasLeft && worker.told.has(name)) last = worker;
    return last;
  }
}

/** The hooks of one worker, as the primary knows them. */
class WorkerHooks implements HookNamesVerbs {
  readonly id: number;
  asked: ReadonlySet<string> = new Set();
  told: ReadonlySet<string> = new Set();
  /** Others are to be asked; where there is none, what it would have been asked about is refused. */
  hasLeft = false;
  readonly #calls: Calls;
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(id: number, calls: Calls) {
    this.id = id;
    this.#calls = calls;
  }

  have({ asked, told }: HookNames): void {
    this.asked = new Set(asked);
    this.told = new Set(told);
  }

  async leave(): Promise<void> {
    this.hasLeft = true;
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async ask<Name extends HookName>(name: Name, event: HookEvents[Name]): Promise<HookAnswers[Name]> {
    this.#underWay += 1;
    try {
      return (await this.#calls.call('hooks', 'ask', [name, event])) as HookAnswers[Name];
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    }
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.#calls.told<LifecycleSink>('hooks').tell(name, event);
  }
}
