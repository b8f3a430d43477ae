/** Where the examples of one page are played: a real server, the ports that its text names, and what a reader would have typed before. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, plainEnvironment, type RunningCarillon, startCarillon } from '../support/carillon.ts';
import type { Block } from './markdown.ts';
import { root } from './pages.ts';
import type { Client } from './transcript.ts';

export interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long an example may take, in ms. */
const patience = 20_000;

export class Stage {
  /** The working directory of every example of the page; within the clone, so that its packages are found. */
  readonly folder: string;
  /** Where the last config of the page was written. */
  configFolder: string;
  /** Ends the program that a block started beside the server. */
  stopBackend: () => Promise<void> = async () => {};
  /** What the last command printed. */
  printed = '';
  /** What the page calls an id, an epoch or a code, and what it is here. */
  readonly known = new Map<unknown, unknown>();
  /** Clients of the page that stay connected, by name. */
  readonly clients = new Map<string, Client>();
  #carillon: RunningCarillon;
  readonly #apiPort: number;
  readonly #pagePort: number;
  #apiUrl: string;
  #apiKey: string | undefined;

  private constructor(carillon: RunningCarillon, apiPort: number, pagePort: number) {
    mkdirSync(join(root, 'test-results'), { recursive: true });
    this.folder = mkdtempSync(join(root, 'test-results/docs-'));
    this.configFolder = this.folder;
    this.#carillon = carillon;
    this.#apiUrl = carillon.url;
    this.#apiPort = apiPort;
    this.#pagePort = pagePort;
  }

  /** Opens with a server in development mode, which pages of `localhost:8000` may reach. */
  static async open(): Promise<Stage> {
    const [apiPort, pagePort] = [await freePort(), await freePort()];
    const origins = `http://localhost:${pagePort},http://127.0.0.1:${pagePort}`;
    const carillon = await startCarillon({ env: { CARILLON_ORIGINS: origins } });
    return new Stage(carillon, apiPort, pagePort);
  }

  /** Opens with a server of this config, a file of the repository. */
  static async openWith(file: string): Promise<Stage> {
    const [apiPort, pagePort] = [await freePort(), await freePort()];
    const stage = new Stage(await startCarillon({ args: ['--config', join(root, file)] }), apiPort, pagePort);
    stage.#apiKey = keyOf(readFileSync(join(root, file), 'utf8'));
    return stage;
  }

  get url(): string {
    return this.#carillon.url;
  }

  get pagePort(): number {
    return this.#pagePort;
  }

  /** The text of an example with the ports and ids that are in force instead of those that it names. */
  adapt(text: string): string {
    const ports = { 6790: this.#carillon.port, 6789: this.#apiPort, 8000: this.#pagePort };
    let adapted = text.replace(/(?<=:)(?:6790|6789|8000)\b/g, (port) =>
      String(ports[port as unknown as 6790]),
    );
    for (const [said, here] of this.known) adapted = adapted.replaceAll(`"${said}"`, `"${here}"`);
    return adapted;
  }

  /** Writes a config of the page into the folder, and says what `carillon check` thinks of it. */
  async check(name: string, config: string): Promise<Outcome> {
    const file = join(this.folder, name);
    writeFileSync(file, this.adapt(config));
    return await this.run('carillon', ['check', file]);
  }

  /** Replaces the server by one with this config, which {@link check} has seen. */
  async serve(name: string, config: string): Promise<void> {
    const { port } = this.#carillon;
    await this.#carillon.stop();
    this.#carillon = await startCarillon({ port, args: ['--config', join(this.folder, name)] });
    this.#apiKey = keyOf(config);
    this.#apiUrl = config.includes("listen: '") ? `http://127.0.0.1:${this.#apiPort}` : this.#carillon.url;
  }

  /** Runs a program to its end, as a reader would: in the folder, with the clone's commands and the API key at hand. */
  run(command: string, args: readonly string[], input = ''): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: this.#environment(), timeout: patience, maxBuffer: 2 ** 24 };
      const child = execFile(command, [...args], options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'ended'), stdout, stderr });
      });
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
  }

  /**
   * Starts a program that listens, publishes to `channel` again and again until `expected` is printed, and ends it.
   * The program reads its text from its input and runs in the clone, so that it finds the clone's packages. Nothing is published
   * until it has printed `before`.
   */
  async listen(
    command: readonly string[],
    input: string,
    channel: string,
    expected: string,
    before = '',
  ): Promise<Outcome> {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { cwd: root, env: this.#environment() });
    let [stdout, stderr, ended] = ['', '', undefined as number | string | undefined];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('close', (code, signal) => {
      ended = code ?? signal ?? 'ended';
    });
    child.stdin.end(input);
    for (
      let waited = 0;
      waited < patience && ended === undefined && !stdout.includes(expected);
      waited += 100
    ) {
      if (stdout.includes(before)) await this.publish(channel);
      await sleep(100);
    }
    const code = ended ?? (stdout.includes(expected) ? 0 : 'late');
    if (ended === undefined) child.kill('SIGKILL');
    return { code, stdout, stderr };
  }

  /** Publishes what every example of a listener is to show: {@link heard}. */
  async publish(channel: string): Promise<void> {
    const response = await fetch(`${this.#apiUrl}/v1/publish`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(this.#apiKey !== undefined && { Authorization: `Bearer ${this.#apiKey}` }),
      },
      body: JSON.stringify({ channel, data: { name: 'docs', text: heard } }),
    });
    if (!response.ok) throw new Error(`${channel}: ${await response.text()}`);
    await response.arrayBuffer();
  }

  /** Undefined where the server has no hooks. */
  async hookGeneration(): Promise<number | undefined> {
    const response = await fetch(`${this.#apiUrl}/v1/info`, {
      method: 'POST',
      headers: this.#apiKey === undefined ? {} : { Authorization: `Bearer ${this.#apiKey}` },
    });
    const { result } = (await response.json()) as { result?: { hooks?: { generation: number } } };
    return result?.hooks?.generation;
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) await client.close();
    await this.stopBackend();
    await this.#carillon.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    const { PATH = '' } = process.env;
    return {
      ...plainEnvironment(),
      PATH: `${join(root, 'node_modules/.bin')}${delimiter}${PATH}`,
      NO_COLOR: '1',
      CARILLON_URL: this.#apiUrl,
      ...(this.#apiKey !== undefined && { CARILLON_API_KEY: this.#apiKey }),
    };
  }
}

function keyOf(config: string): string | undefined {
  return /keys: \[\s*'([^']+)'/.exec(config)?.[1];
}

/** The text that every listener of the pages must show. */
export const heard = 'heard-by-the-docs';

/** What a failed run prints into the test's report. */
export function describeOutcome({ page, line }: Block, { code, stdout, stderr }: Outcome): string {
  return `${page}:${line} ended with ${code}\n${stdout}${stderr}`;
}
