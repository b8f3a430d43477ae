/** Polls that are to be answered at the end of the turn: slice by slice, so that a publication to very many holds nobody else up. */
import type { Clock } from '../../core/clock.ts';

/** How long polls are answered before the rest of the process has a turn. */
const sliceMs = 5;
/** Polls that are answered before the clock is looked at. */
const slicePolls = 32;

export class AnswerQueue<Poll> {
  readonly #clock: Clock;
  readonly #answer: (poll: Poll) => void;
  readonly #task = (): void => this.#run();
  #ready: Poll[] = [];

  constructor(clock: Clock, answer: (poll: Poll) => void) {
    this.#clock = clock;
    this.#answer = answer;
  }

  /** What was added before is answered before. */
  add(poll: Poll): void {
    this.#ready.push(poll);
    if (this.#ready.length === 1) this.#clock.atTurnEnd(this.#task);
  }

  #run(): void {
    const deadline = this.#clock.now() + sliceMs;
    const polls = this.#ready;
    this.#ready = [];
    let done = 0;
    for (const poll of polls) {
      this.#answer(poll);
      done += 1;
      if (done % slicePolls === 0 && this.#clock.now() >= deadline) break;
    }
    if (done === polls.length) return;
    this.#ready = polls.slice(done).concat(this.#ready);
    this.#clock.atTurnEnd(this.#task);
  }
}
