/** Hooks as the core asks them: in whatever generation is in force, within bounds, and never without an end. */
import { isoTime, type JsonText, limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { refuse, refusedByHook } from '../core/errors.ts';
import type { HookAnswers, HookEvents, HookName, Hooks } from '../core/hooks.ts';
import { IdentityFault } from '../core/identity.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import { hookFailed, readAnswer } from './answers.ts';
import { Breaker } from './breaker.ts';
import { bucketBounds, HookCounters, type HookFigures } from './counters.ts';
import { eventText } from './event-text.ts';
import { FaultLog } from './fault-log.ts';
import { Generations, type Reload } from './generations.ts';
import { isTold } from './names.ts';
import type { Settled } from './settled.ts';
import type { HookSettings, UrlHookSettings } from './source.ts';
import { HookLoadFault } from './thread.ts';
import { ToldEvents } from './told-events.ts';

export interface HookRuntimeOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Reads what stands at a hook that is no function. @throws {Error} with half a sentence. */
  readonly readUrlHook: (value: unknown) => UrlHookSettings;
}

export class HookRuntime implements Hooks, LifecycleSink {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #generations: Generations;
  readonly #counters = new HookCounters();
  readonly #faults: FaultLog;
  readonly #breakers = new Map<string, Breaker>();
  readonly #told: ToldEvents;
  #named: (names: readonly string[]) => void = () => {};
  #calls = 0;
  #callBytes = 0;
  #request: (method: string, params: JsonText) => Promise<JsonText> = () =>
    Promise.reject(refuse('notAvailable', 'the server is starting'));

  constructor(settings: HookSettings, options: HookRuntimeOptions) {
    const { clock, log } = options;
    this.#clock = clock;
    this.#log = log;
    this.#faults = new FaultLog(clock, log);
    this.#generations = new Generations(settings, {
      ...options,
      request: (method, params) => this.#request(method, params),
      renewed: () => this.#breakers.clear(),
      switched: () => this.#named(this.#names),
    });
    this.#told = new ToldEvents({
      clock,
      log,
      dropped: this.#counters.dropped,
      ask: (name, event) => this.#settle(name, event),
    });
  }

  /**
   * Loads the first generation. `request` answers requests of hooks to the server API.
   *
   * @throws {HookLoadFault} with half a sentence.
   */
  async start(request: (method: string, params: JsonText) => Promise<JsonText>): Promise<void> {
    this.#request = request;
    const loaded = await this.#generations.reload();
    if (!loaded.ok) throw new HookLoadFault(loaded.reason);
  }

  has(name: HookName): boolean {
    return this.#generations.current?.names.has(name) === true;
  }

  async ask<Name extends HookName>(name: Name, event: HookEvents[Name]): Promise<HookAnswers[Name]> {
    const settled = await this.#settle(name, eventText(event));
    switch (settled.outcome) {
      case 'nothing':
        return undefined as HookAnswers[Name];
      case 'no':
        return false as HookAnswers[Name];
      case 'refused':
        throw refusedByHook(settled.code, settled.message);
      case 'failed':
        throw hookFailed();
      case 'answer':
        return this.#answer(name, settled.text);
      default:
        throw refuse('notAvailable', `the hook '${name}' does not answer now; try again later`);
    }
  }

  wants(name: LifecycleName): boolean {
    return isTold(name) && this.#generations.current?.names.has(name) === true;
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.#told.add(name, eventText(event));
  }

  /** `named` hears which hooks there are, now and whenever that may have changed. One listener. */
  watch(named: (names: readonly string[]) => void): void {
    this.#named = named;
    named(this.#names);
  }

  /** Loads the hooks anew, with other settings if they are given; resolves when they are in force, or why they are not. Never rejects. */
  reload(settings?: HookSettings): Promise<Reload> {
    return this.#generations.reload(settings);
  }

  /** Loads the hooks of these settings, which are in force when that is agreed to; whoever asks says why, where they cannot be loaded. */
  prepare(settings: HookSettings): ReturnType<Generations['prepare']> {
    return this.#generations.prepare(settings);
  }

  /** What `info` tells; undefined where there are no hooks. */
  info(): object | undefined {
    const { current, file, failing } = this.#generations;
    if (current === undefined) return undefined;
    const open = [...this.#breakers].filter(([, breaker]) => breaker.isOpen).map(([name]) => name);
    return {
      generation: current.number,
      loadedAt: isoTime(current.loadedAt),
      ...(file !== undefined && { file }),
      names: [...current.names],
      inFlight: this.#calls,
      waiting: this.#told.waiting,
      ...(!current.isWhole && { down: true }),
      ...(open.length > 0 && { breakers: open }),
      ...(failing !== undefined && { failing: { at: isoTime(failing.at), reason: failing.reason } }),
    };
  }

  /** Undefined where there are no hooks. */
  figures(): HookFigures | undefined {
    const { current, reloadFailures } = this.#generations;
    if (current === undefined) return undefined;
    const { dropped, durations } = this.#counters;
    const calls = this.#counters.calls();
    return { generation: current.number, reloadFailures, calls, dropped, durations, bounds: bucketBounds };
  }

  /** What was told is worked at for so long at most; then everything ends. */
  async close(farewellMs: number): Promise<void> {
    await this.#told.done(farewellMs);
    await this.#generations.close();
  }

  get #names(): readonly string[] {
    return [...(this.#generations.current?.names ?? [])];
  }

  #answer<Name extends HookName>(name: Name, text: JsonText): HookAnswers[Name] {
    try {
      return readAnswer(name, text, this.#clock.now());
    } catch (error) {
      if (!(error instanceof IdentityFault)) throw error;
      this.#faults.say(name, `its answer cannot be used: ${error.message}`);
      throw hookFailed();
    }
  }

  /** Asks within all bounds, and keeps the books. Never rejects. */
  async #settle(name: string, event: JsonText): Promise<Settled> {
    if (this.#calls >= limits.hookCalls || this.#callBytes + event.length > limits.hookCallBytes) {
      return this.#spare(name);
    }
    if (this.#breakers.get(name)?.admits() === false) return this.#spare(name);
    this.#calls += 1;
    this.#callBytes += event.length;
    const startedAt = this.#clock.now();
    const settled = await this.#generations.ask(name, event);
    this.#calls -= 1;
    this.#callBytes -= event.length;
    this.#counters.count(name, settled.outcome, this.#clock.now() - startedAt);
    this.#judge(name, settled);
    return settled;
  }

  #spare(name: string): Settled {
    this.#counters.count(name, 'unavailable');
    return { outcome: 'unavailable', isGuilty: false };
  }

  #judge(name: string, settled: Settled): void {
    const { outcome } = settled;
    const hasFailed = outcome === 'late' || (outcome === 'unavailable' && settled.isGuilty);
    if ((hasFailed || outcome === 'failed') && settled.reason !== undefined) {
      this.#faults.say(name, settled.reason);
    }
    let breaker = this.#breakers.get(name);
    if (breaker === undefined) {
      if (!hasFailed) return;
      breaker = new Breaker(this.#clock);
      this.#breakers.set(name, breaker);
    }
    const change = breaker.settled(hasFailed ? 'failed' : outcome === 'unavailable' ? 'unknown' : 'answered');
    const seconds = limits.hookPauseMs / 1_000;
    if (change === 'opened') {
      this.#log.warn(
        `the hook '${name}' does not answer; it is refused with 108 and tried again every ${seconds} s`,
      );
    } else if (change === 'closed') this.#log.info(`the hook '${name}' answers again`);
  }
}
