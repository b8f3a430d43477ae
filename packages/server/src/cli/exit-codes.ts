/** What the command line ends with; the numbers are those of sysexits.h. */
export const exitCodes = {
  ok: 0,
  /** It was tried and did not work, and none of the others says why. */
  failed: 1,
  /** Wrong usage: an unknown command or flag, a missing argument. */
  usage: 64,
  /** A server cannot be reached, or cannot have its port. */
  unavailable: 69,
  /** A configuration that cannot be used. */
  config: 78,
} as const;

/** Ends a command with a sentence for the user and an exit code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
