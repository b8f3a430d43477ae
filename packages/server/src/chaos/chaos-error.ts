/** Why a run did not come about, with the exit code that says so. */

/** `exitCode` follows sysexits: 69 no server could be started, 78 it refuses its config. */
export class ChaosError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'ChaosError';
    this.exitCode = exitCode;
  }
}
