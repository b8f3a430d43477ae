/** What signals do: SIGTERM and SIGINT let a server drain and end, and a later one does not wait; SIGHUP has it load its config again; SIGUSR2 has its workers replaced. */
import type { Log } from '../core/log.ts';

/** A signal that comes within this time of the one before is the same wish, heard twice. */
const repeatMs = 2_000;

/**
 * Resolves once `close` is done after the first signal, or when the next wish or `limitMs` cuts that short; then with
 * false. A signal may reach the whole process group and then come again from a supervisor: such repetitions change nothing.
 */
export function endOnSignal(
  close: () => Promise<void>,
  limitMs: number,
  signals: Pick<NodeJS.EventEmitter, 'on'> = process,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let lastAt: number | undefined;
    const onSignal = (): void => {
      const now = Date.now();
      const repeated = lastAt !== undefined && now - lastAt < repeatMs;
      const first = lastAt === undefined;
      lastAt = now;
      if (repeated) return;
      if (first) {
        setTimeout(() => resolve(false), limitMs);
        close().then(() => resolve(true), reject);
      } else resolve(false);
    };
    signals.on('SIGTERM', onSignal);
    signals.on('SIGINT', onSignal);
  });
}

/**
 * Calls `reload` at each SIGHUP, but for repetitions. Where this process was begun on a terminal that is gone by then, the signal
 * says just that, and the process ends as at a SIGTERM.
 */
export function reloadOnSignal(
  reload: () => void,
  { hasTerminal, isTerminal }: { readonly hasTerminal: boolean; readonly isTerminal: () => boolean },
  signals: Pick<NodeJS.EventEmitter, 'on' | 'emit'> = process,
): void {
  let lastAt: number | undefined;
  signals.on('SIGHUP', () => {
    const now = Date.now();
    const repeated = lastAt !== undefined && now - lastAt < repeatMs;
    lastAt = now;
    if (repeated) return;
    if (hasTerminal && !isTerminal()) signals.emit('SIGTERM');
    else reload();
  });
}

/** Has the workers replaced at each SIGUSR2; a repetition changes nothing, because it is the same replacement. */
export function replaceOnSignal(
  server: { replaceWorkers?(): Promise<void> },
  log: Pick<Log, 'warn'>,
  signals: Pick<NodeJS.EventEmitter, 'on'> = process,
): void {
  signals.on('SIGUSR2', () => {
    if (server.replaceWorkers !== undefined) void server.replaceWorkers();
    else log.warn('one process serves, so there are no workers to replace; set workers to 2 or more');
  });
}
