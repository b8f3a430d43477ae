/** Says what a run is doing: one line that changes on a terminal, a line per step elsewhere. */

export interface Progress {
  /** Says the present step; the same step with another count is shown on terminals only. */
  update(step: string): void;
  /** Clears the line. */
  done(): void;
}

const redrawMs = 100;

/** Progress on standard error, so that standard output carries results alone. */
export function standardProgress(label: string): Progress {
  const terminal = process.stderr.isTTY;
  let shown = '';
  let shownAt = 0;
  return {
    update(step) {
      const kind = step.replace(/\d+/g, '');
      const now = performance.now();
      if (terminal ? now - shownAt < redrawMs && kind === shown : kind === shown) return;
      shown = kind;
      shownAt = now;
      process.stderr.write(terminal ? `\r\x1b[K${label}: ${step}` : `${label}: ${step}\n`);
    },
    done() {
      if (terminal) process.stderr.write('\r\x1b[K');
      shown = '';
    },
  };
}

export const silentProgress: Progress = { update: () => undefined, done: () => undefined };
