/** The temporary folder of a run: the server's config and, where it has one, its data. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class RunFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'carillon-chaos-'));
  /** The API key of the server. */
  readonly key = randomBytes(16).toString('hex');
  /** The arguments of `carillon serve`. */
  readonly args: readonly string[];
  #isKept = false;
  readonly #remove = (): void => {
    if (!this.#isKept) rmSync(this.path, { recursive: true, force: true });
  };

  constructor({ durable, workers }: { readonly durable: boolean; readonly workers: number }) {
    const file = join(this.path, 'carillon.config.json');
    writeFileSync(file, JSON.stringify(config(this.key, workers), undefined, 2));
    this.args = ['--config', file, ...(durable ? ['--data', join(this.path, 'data')] : [])];
    process.once('exit', this.#remove);
  }

  /** It is looked at later. */
  keep(): void {
    this.#isKept = true;
  }

  end(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}

/** Histories hold everything that a run publishes, so that whatever is missing is a fault. */
function config(key: string, workers: number): object {
  return {
    workers,
    api: { keys: [key] },
    auth: { anonymous: true },
    channels: {
      'chaos:*': { subscribe: 'anyone', publish: 'nobody', history: { size: 1_000_000, ttl: '24h' } },
    },
    drain: '1s',
    log: { level: 'warn' },
  };
}
