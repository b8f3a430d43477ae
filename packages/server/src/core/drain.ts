/** The paced end of a node: clients are told to go one after another, so that they do not all arrive elsewhere at once. */
import { disconnects } from '@carillon/protocol';
import { type Addressee, takesEvents } from './addressee.ts';
import type { Cancel, Clock } from './clock.ts';
import type { Registry } from './registry.ts';

export interface DrainOptions {
  readonly registry: Registry<Addressee>;
  readonly clock: Clock;
}

/** Clients have gone after this part of the time; the rest is for those who are slow to go. */
const pacedShare = 0.75;
/** How often those are closed whose turn has come. */
const stepMs = 20;

/**
 * Native clients are told a delay each, and leave by themselves; feeds, which have no words for it, are closed when their turn
 * comes. Resolves when everybody is gone, or when `windowMs` are over. Who comes meanwhile is not waited for to be told.
 */
export function drain({ registry, clock }: DrainOptions, windowMs: number): Promise<void> {
  if (registry.sessionCount === 0 || windowMs <= 0) return Promise.resolve();
  const feeds = tell([...registry.all()], windowMs * pacedShare);
  return new Promise((resolve) => {
    const startedAt = clock.now();
    let cancelStep: Cancel = () => {};
    const finish = (): void => {
      cancelStep();
      cancelEnd();
      resolve();
    };
    const step = (): void => {
      const passed = clock.now() - startedAt;
      for (let [next] = feeds; next !== undefined && next.delay <= passed; [next] = feeds) {
        feeds.shift();
        next.session.close(disconnects.shutdown);
      }
      if (registry.sessionCount === 0) finish();
      else cancelStep = clock.after(stepMs, step);
    };
    const cancelEnd = clock.after(windowMs, finish);
    step();
  });
}

interface Turn {
  readonly session: Addressee;
  /** Milliseconds from the beginning. */
  readonly delay: number;
}

/** Returns those who have no words for it, in the order of their turns. */
function tell(sessions: readonly Addressee[], overMs: number): Turn[] {
  const turns = sessions.map((session, index): Turn => {
    return { session, delay: Math.round(((index + 1) / sessions.length) * overMs) };
  });
  for (const { session, delay } of turns) {
    if (takesEvents(session)) session.send(`{"event":"$server","type":"reconnect","delay":${delay}}`);
  }
  return turns.filter(({ session }) => !takesEvents(session));
}
