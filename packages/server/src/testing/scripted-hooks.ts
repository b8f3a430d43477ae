/** The application's hooks, as functions that a test gives: asked for real, and what they were asked is remembered. */
import type { HookAnswers, HookEvents, HookName, Hooks } from '../core/hooks.ts';

export type Script = {
  [Name in HookName]?: (event: HookEvents[Name]) => HookAnswers[Name] | Promise<HookAnswers[Name]>;
};

export class ScriptedHooks implements Hooks {
  /** What each hook does now; a test may change it, as a reload would. */
  script: Script;
  /** In the order of asking. */
  readonly asked: { readonly name: HookName; readonly event: HookEvents[HookName] }[] = [];
  /** How often it was asked whether there is such a hook. */
  looked = 0;

  constructor(script: Script = {}) {
    this.script = script;
  }

  has(name: HookName): boolean {
    this.looked += 1;
    return this.script[name] !== undefined;
  }

  async ask<Name extends HookName>(name: Name, event: HookEvents[Name]): Promise<HookAnswers[Name]> {
    this.asked.push({ name, event });
    const hook = this.script[name];
    if (hook === undefined) throw new Error(`nobody scripted the hook '${name}'`);
    return hook(event);
  }

  /** The events of one hook. */
  events<Name extends HookName>(name: Name): readonly HookEvents[Name][] {
    return this.asked.filter((asked) => asked.name === name).map(({ event }) => event as HookEvents[Name]);
  }
}

/** Answers that a test gives when it wants, in any order. */
export class Held<Answer> {
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  wait(): Promise<Answer> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Answers the one that waits at `at`, the first by default; with an error, it is refused. */
  answer(answer: Answer | Error, at = 0): void {
    const [waiting] = this.#waiting.splice(at, 1);
    if (waiting === undefined) throw new Error('nobody waits');
    if (answer instanceof Error) waiting.reject(answer);
    else waiting.resolve(answer);
  }
}
