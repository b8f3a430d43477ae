/** Loads the hooks, again and again: a new generation takes over when it is good, and one that is not leaves the old in force. */
import { type JsonText, limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { fileStamp } from './file-stamp.ts';
import { FileWatch } from './file-watch.ts';
import { Generation } from './generation.ts';
import { Replacements } from './replacements.ts';
import type { Settled } from './settled.ts';
import type { HookSettings, UrlHookSettings } from './source.ts';
import { HookLoadFault, HookThread, type ThreadOwner } from './thread.ts';
import { UrlHook } from './url-hook.ts';

export interface GenerationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Reads what stands at a hook that is no function. @throws {Error} with half a sentence. */
  readonly readUrlHook: (value: unknown) => UrlHookSettings;
  /** A request of a hook to the server API. @throws {ReplyError} */
  readonly request: (method: string, params: JsonText) => Promise<JsonText>;
  /** A new generation is in force, which somebody wanted: not the replacement of a thread that died. */
  readonly renewed: () => void;
  /** Which hooks there are may have changed. */
  readonly switched: () => void;
}

export type Reload =
  | { readonly ok: true; readonly generation: number; readonly names: readonly string[] }
  /** `reason`: half a sentence. */
  | { readonly ok: false; readonly reason: string };

/** Hooks that were loaded and are good. Nothing else is loaded until one of the two is called, once. */
export interface PreparedHooks {
  readonly ok: true;
  readonly names: readonly string[];
  /** Resolves when they are in force. */
  commit(): Promise<void>;
  /** Resolves when they are gone. */
  abandon(): Promise<void>;
}

/** What a load makes. */
interface Wish {
  readonly settings: HookSettings;
  /** It takes the place of a thread that died. */
  readonly isReplacement?: boolean;
  /** Whether what is good is to be in force. */
  readonly agreed?: (names: readonly string[]) => Promise<boolean>;
}

interface Ending {
  retire(): Promise<void>;
  terminate(): Promise<void>;
}

const unwanted: Reload = { ok: false, reason: 'it is not wanted any more' };

/** Generations that still answer old calls; a further one waits for the first of them. */
const mostRetiring = 4;

export class Generations {
  /** Why the last load failed; undefined when it did not. */
  failing: { readonly at: number; readonly reason: string } | undefined;
  reloadFailures = 0;
  readonly #options: GenerationsOptions;
  readonly #watch: FileWatch;
  readonly #replacements: Replacements;
  /** What the next load takes. */
  #settings: HookSettings;
  /** What the last one that was good took. */
  #good: HookSettings;
  #current: Generation | undefined;
  #lastNumber = 0;
  readonly #retiring = new Map<Ending, Promise<void>>();
  /** The load under way, or the last one. */
  #loading: Promise<unknown> = Promise.resolve();
  /** The load that begins after that. */
  #next: Promise<Reload> | undefined;
  /** Loads that are under way or wait for their turn. */
  #loads = 0;
  #starting: HookThread | undefined;
  readonly #waiting = new Set<(generation: Generation | undefined) => void>();
  /** Decides about what was prepared. */
  #decide: ((isWanted: boolean) => void) | undefined;
  #isClosed = false;

  constructor(settings: HookSettings, options: GenerationsOptions) {
    this.#settings = settings;
    this.#good = settings;
    this.#options = options;
    const { clock, log } = options;
    this.#watch = new FileWatch(clock, () => void this.reload());
    this.#replacements = new Replacements({
      clock,
      log,
      load: () => this.#begin(true),
      isNeeded: () => !this.#isClosed && this.#current?.isWhole === false,
      gaveUpForNow: () => this.#sendHome(),
    });
  }

  get current(): Generation | undefined {
    return this.#current;
  }

  get file(): string | undefined {
    return this.#good.source.module?.path;
  }

  /** Loads anew, with other settings if they are given; those stay only if that succeeds. A load that is under way is finished first. */
  reload(settings: HookSettings = this.#settings): Promise<Reload> {
    this.#settings = settings;
    this.#replacements.forget();
    return this.#begin(false);
  }

  /** Loads with these settings, and waits with what is good until it is decided about. Never rejects. */
  prepare(settings: HookSettings): Promise<PreparedHooks | Extract<Reload, { ok: false }>> {
    this.#replacements.forget();
    this.#loads += 1;
    return new Promise((resolve) => {
      const agreed = (names: readonly string[]): Promise<boolean> =>
        new Promise((decide) => {
          this.#decide = decide;
          const decided = async (isWanted: boolean): Promise<void> => {
            decide(isWanted);
            await loading;
          };
          resolve({ ok: true, names, commit: () => decided(true), abandon: () => decided(false) });
        });
      const loading = this.#loading.then(async () => {
        const loaded = await this.#load({ settings, agreed });
        this.#decide = undefined;
        this.#loads -= 1;
        if (!loaded.ok) resolve(loaded);
      });
      this.#loading = loading;
    });
  }

  /** Never rejects. While a thread that died is replaced, it waits for the new one. */
  ask(name: string, event: JsonText): Promise<Settled> {
    const asked = this.#current?.ask(name, event);
    if (asked !== undefined) return asked;
    const { clock } = this.#options;
    const gone: Settled = {
      outcome: 'unavailable',
      isGuilty: false,
    };
    if (this.#loads === 0) return Promise.resolve(gone);
    return new Promise((resolve) => {
      const settle = (generation?: Generation): void => {
        cancel();
        this.#waiting.delete(settle);
        resolve(generation?.ask(name, event) ?? gone);
      };
      const cancel: Cancel = clock.after(this.#good.timeoutMs, () => settle());
      this.#waiting.add(settle);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watch.close();
    this.#replacements.close();
    this.#sendHome();
    this.#decide?.(false);
    const all = [this.#starting, this.#current, ...this.#retiring.keys()];
    await Promise.all(all.map((each) => each?.terminate()));
    await this.#loading;
  }

  #begin(isReplacement: boolean): Promise<Reload> {
    if (this.#next !== undefined) return this.#next;
    this.#loads += 1;
    const next = this.#loading.then(async () => {
      this.#next = undefined;
      const loaded = await this.#load({ settings: this.#settings, isReplacement });
      this.#loads -= 1;
      return loaded;
    });
    this.#next = next;
    this.#loading = next;
    return next;
  }

  /** Never rejects. */
  async #load({ settings, isReplacement = false, agreed }: Wish): Promise<Reload> {
    if (this.#isClosed) return { ok: false, reason: 'the server ends' };
    if (this.#retiring.size >= mostRetiring) await Promise.race(this.#retiring.values());
    const { source } = settings;
    const { module } = source;
    const stamps = new Map<string, string>();
    if (module === undefined && source.urls === undefined) {
      return agreed === undefined || (!this.#isClosed && (await agreed([])))
        ? this.#clear(settings)
        : unwanted;
    }
    if (module !== undefined) stamps.set(module.path, fileStamp(module.path));
    try {
      const generation = await this.#make(settings, stamps);
      if (agreed !== undefined && (this.#isClosed || !(await agreed([...generation.names])))) {
        return this.#unwanted(generation);
      }
      this.#good = settings;
      if (agreed !== undefined) this.#settings = settings;
      this.#switchTo(generation);
      this.#watch.set(stamps, false);
      if (!isReplacement) this.#options.renewed();
      return { ok: true, generation: generation.number, names: [...generation.names] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#settings === settings) this.#settings = this.#good;
      this.#failed(reason, module?.path, agreed !== undefined);
      if (!this.#isClosed) this.#watch.set(stamps, true);
      if (!isReplacement && this.#current?.isWhole === false) this.#replacements.need();
      return { ok: false, reason };
    }
  }

  async #unwanted(generation: Generation): Promise<Reload> {
    await generation.terminate();
    if (!this.#isClosed && this.#current?.isWhole === false) this.#replacements.need();
    return unwanted;
  }

  /** There are no hooks any more. */
  #clear(settings: HookSettings): Reload {
    this.#good = settings;
    this.#settings = settings;
    if (this.#current !== undefined) this.#retire(this.#current);
    this.#current = undefined;
    this.failing = undefined;
    this.#watch.set(new Map(), false);
    this.#sendHome();
    this.#options.switched();
    return { ok: true, generation: 0, names: [] };
  }

  /** @throws {HookLoadFault} */
  async #make(settings: HookSettings, stamps: Map<string, string>): Promise<Generation> {
    const { clock } = this.#options;
    const { source, timeoutMs, memoryBytes } = settings;
    const { module, urls = new Map() } = source;
    const number = this.#lastNumber + 1;
    const asked = new Map(urls);
    const functions = new Set<string>();
    let thread: HookThread | undefined;
    if (module !== undefined) {
      thread = new HookThread({
        module,
        generation: number,
        timeoutMs,
        memoryBytes,
        clock,
        owner: this.#owner(() => thread, stamps),
      });
      this.#starting = thread;
      try {
        for (const [name, hook] of Object.entries(JSON.parse(await thread.load()) as object)) {
          if (hook === true) functions.add(name);
          else asked.set(name, this.#readUrlHook(name, hook));
        }
      } catch (error) {
        await thread.terminate();
        throw error;
      } finally {
        this.#starting = undefined;
      }
      if (this.#isClosed) await thread.terminate();
      if (functions.size === 0) this.#retire(thread);
    }
    return new Generation({
      number,
      loadedAt: clock.now(),
      functions,
      ...(functions.size > 0 && thread !== undefined && { thread }),
      urls: new Map([...asked].map(([name, url]) => [name, new UrlHook({ timeoutMs, ...url, name, clock })])),
    });
  }

  #readUrlHook(name: string, value: unknown): UrlHookSettings {
    try {
      return this.#options.readUrlHook(value);
    } catch (error) {
      throw new HookLoadFault(`'${name}' ${error instanceof Error ? error.message : 'cannot be used'}`);
    }
  }

  /** From here on every new call is the new generation's; the old one answers what it was asked. */
  #switchTo(generation: Generation): void {
    const old = this.#current;
    this.#current = generation;
    this.#lastNumber = generation.number;
    this.failing = undefined;
    this.#replacements.loaded();
    for (const settle of [...this.#waiting]) settle(generation);
    if (old !== undefined) this.#retire(old);
    // It may have died while it was decided about.
    if (generation.hasLostThread()) this.#replacements.need();
    const { number, names } = generation;
    this.#options.log.info(`hooks: generation ${number} is in force`, {
      ...(this.file !== undefined && { file: this.file }),
      hooks: [...names].join(', '),
    });
    this.#options.switched();
  }

  #retire(old: Ending): void {
    this.#retiring.set(
      old,
      old.retire().finally(() => this.#retiring.delete(old)),
    );
  }

  /** `isSaid`: whoever wanted it says why it failed. */
  #failed(reason: string, file = 'the config', isSaid = false): void {
    const { clock, log } = this.#options;
    if (this.#isClosed) return;
    this.failing = { at: clock.now(), reason };
    this.reloadFailures += 1;
    if (this.#current === undefined) return;
    if (!this.#current.isWhole) this.#sendHome();
    if (isSaid) return;
    const then = this.#current.isWhole
      ? `generation ${this.#current.number} stays in force`
      : 'there are none now';
    log.error(`hooks: ${file} cannot be loaded, so ${then}: ${reason}`);
  }

  #owner(thread: () => HookThread | undefined, stamps: Map<string, string>): ThreadOwner {
    const { log, request } = this.#options;
    const isCurrent = (): boolean => {
      const own = thread();
      return own !== undefined && this.#current?.isOf(own) === true;
    };
    const replaced = (): string =>
      isCurrent() ? 'their thread is replaced' : 'the thread of an earlier generation failed';
    return {
      request,
      file: (path, stamp) => {
        if (isCurrent()) this.#watch.add(path, stamp);
        else if (!stamps.has(path) && stamps.size < limits.hookFiles) stamps.set(path, stamp);
      },
      wrote: ({ level, hook, message, fields }) => {
        const more = fields === '' ? {} : (JSON.parse(fields) as object);
        log[level](message, { ...more, ...(hook !== '' && { hook }) });
      },
      faulty: (sentence) => {
        log.error(`hooks: ${replaced()}: ${sentence}`);
        if (isCurrent()) this.#replacements.need();
      },
      died: (sentence) => {
        log.error(`hooks: ${replaced()}: ${sentence}`);
        if (!isCurrent()) return;
        this.#current?.lostThread();
        this.#replacements.need();
      },
    };
  }

  #sendHome(): void {
    for (const settle of [...this.#waiting]) settle(undefined);
  }
}
