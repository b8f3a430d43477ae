/** Asks who may be stuck. A question that was not answered in time is waited for, and not put again before a while has passed. */
import { limits } from '@carillon/protocol';
import type { Clock } from './clock.ts';

interface Overdue<Answer> {
  readonly answer: Promise<Answer>;
  readonly since: number;
}

export class Patience<Answer> {
  readonly #ask: () => Promise<Answer>;
  readonly #clock: Clock;
  /** So that questions do not pile up with one who answers none. */
  #overdue: Overdue<Answer> | undefined;

  constructor(ask: () => Promise<Answer>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** The answer; undefined where there is none within `ms` milliseconds. Rejects where the asked one does. */
  within(ms: number): Promise<{ readonly answer: Answer } | undefined> {
    const question = this.#waitedFor() ?? { answer: this.#ask(), since: this.#clock.now() };
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => {
        this.#overdue = question;
        resolve(undefined);
      });
      const answered = (): void => {
        cancel();
        if (this.#overdue === question) this.#overdue = undefined;
      };
      question.answer.then((answer) => resolve({ answer }), reject).finally(answered);
    });
  }

  #waitedFor(): Overdue<Answer> | undefined {
    const overdue = this.#overdue;
    if (overdue === undefined) return undefined;
    return this.#clock.now() - overdue.since < limits.askAgainMs ? overdue : undefined;
  }
}
