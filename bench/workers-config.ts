/** The config of the bench with workers, in a folder of its own until the run is over. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const benchConfig = fileURLToPath(new URL('carillon.config.json', import.meta.url));

export class WorkersConfig implements Disposable {
  readonly file: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));

  /** `more`: further keys. Histories are long enough for whoever is away for some seconds. */
  constructor(workers: number, more: object = {}) {
    this.file = join(this.#folder, 'carillon.config.json');
    const config = JSON.parse(readFileSync(benchConfig, 'utf8')) as object;
    const rule = { subscribe: 'anyone', publish: 'anyone', history: { size: 2_000, ttl: '1h' } };
    writeFileSync(
      this.file,
      JSON.stringify({
        ...config,
        channels: { 'bench:*': rule },
        limits: { connectionsPerAddress: 100_000 },
        workers,
        ...more,
      }),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
