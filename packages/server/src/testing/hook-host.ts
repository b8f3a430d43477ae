/** Hooks in real threads, from files that a test writes and saves again, in the time of the wall. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonText } from '@carillon/protocol';
import { readUrlHook } from '../config/hooks.ts';
import type { ReplyError } from '../core/errors.ts';
import { HookRuntime } from '../hooks/runtime.ts';
import type { HookSettings, HookSource } from '../hooks/source.ts';
import { SystemClock } from '../system/clock.ts';
import { RememberingLog } from './remembering-log.ts';

export interface HookHostOptions {
  readonly timeoutMs?: number;
  readonly memoryBytes?: number;
  /** What the server API answers to hooks; by default what was asked. */
  readonly request?: (method: string, params: JsonText) => Promise<JsonText>;
  /** Instead of the file `hooks.ts`. */
  readonly source?: (folder: string) => HookSource;
}

const patience = 15_000;

export class HookHost {
  readonly folder: string;
  readonly log = new RememberingLog();
  readonly settings: HookSettings;
  readonly runtime: HookRuntime;
  /** What hooks asked of the server API. */
  readonly requests: string[] = [];

  private constructor(options: HookHostOptions) {
    this.folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
    const module = { path: join(this.folder, 'hooks.ts'), kind: 'hooks' } as const;
    this.settings = {
      source: options.source?.(this.folder) ?? { module },
      timeoutMs: options.timeoutMs ?? 5_000,
      memoryBytes: options.memoryBytes ?? 128 * 1_048_576,
    };
    this.runtime = new HookRuntime(this.settings, { clock: new SystemClock(), log: this.log, readUrlHook });
  }

  /** `files`: texts by name; a single text is `hooks.ts`. @throws {HookLoadFault} */
  static async start(
    files: string | Readonly<Record<string, string>>,
    options: HookHostOptions = {},
  ): Promise<HookHost> {
    const host = new HookHost(options);
    const named = typeof files === 'string' ? { 'hooks.ts': files } : files;
    for (const [name, text] of Object.entries(named)) host.save(name, text);
    try {
      await host.runtime.start(async (method, params) => {
        host.requests.push(`${method} ${params}`);
        return (await options.request?.(method, params)) ?? params;
      });
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  save(name: string, text: string): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Publishes this value: what the hook makes of it, parsed, or undefined where it lets it be. */
  async publish(data: unknown): Promise<unknown> {
    const event = { channel: 'room:1', data: JSON.stringify(data), source: 'api' } as const;
    const answer = await this.runtime.ask('publish', event);
    return answer === undefined ? undefined : JSON.parse(answer.data);
  }

  /** What the reply would be: the code, and what it says. */
  async refusal(data: unknown): Promise<string> {
    return this.publish(data).then(
      (answer) => `passed: ${JSON.stringify(answer)}`,
      ({ code, message }: ReplyError) => `${code} ${message}`,
    );
  }

  get info(): Readonly<Record<string, unknown>> {
    return this.runtime.info() as Readonly<Record<string, unknown>>;
  }

  /** Resolves when this generation, or a later one, is in force. */
  generation(number: number): Promise<void> {
    return this.until(() => Number(this.info['generation']) >= number, `generation ${number}`);
  }

  /** Resolves when the log has a line with this text. */
  logged(text: string): Promise<void> {
    return this.until(() => this.log.lines.some((line) => line.includes(text)), `the line '${text}'`);
  }

  async until(isThere: () => boolean, what: string): Promise<void> {
    for (let waited = 0; waited < patience; waited += 10) {
      if (isThere()) return;
      await sleep(10);
    }
    throw new Error(`no ${what}; the log says:\n${this.log.lines.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.runtime.close(0);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
