/** `carillon check`: says whether a config can be used, and what would be in force. */
import { ConfigError } from '../config/faults.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type Call, type Command, columns } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { explainOptions, explainQuestion, explainText } from './explain.ts';
import { configOptions, explain } from './load-or-explain.ts';

export const check: Command = {
  name: 'check',
  positionals: '[FILE]',
  arity: { min: 0, max: 1 },
  about: [
    'Checks a config as `serve` would, starts nothing, and prints every value that is in force and where it comes from.',
    'Ends with 0 when the config can be used and with 78 when not. Secrets are never printed.',
    'Loads the hooks, as `serve` would. Tries the Redis that it listens to, for 2 s; one that cannot be used is told, and ends with 69 where it is required.',
  ],
  options: { ...configOptions, ...explainOptions, json: { type: 'boolean', sentence: 'Print JSON.' } },
  examples: [
    'check',
    'check carillon.config.json',
    'check --port 8080 --json',
    'check --explain room:42 --user 1001',
  ],
  run: runCheck,
};

async function runCheck(call: Call): Promise<number> {
  const {
    positionals: [file],
    flags,
    terminal,
  } = call;
  const { stdout, stderr, env, cwd } = terminal;
  const json = flags['json'] === true;
  const question = explainQuestion(call);
  try {
    const loaded = await loadConfig({
      flags: file === undefined ? flags : { ...flags, config: file },
      env,
      cwd,
    });
    if (question !== undefined) {
      stdout.write(await explainText(loaded.settings, question, json));
      return exitCodes.ok;
    }
    const hooks = await loadedHooks(loaded);
    const probe = await probeSources(loaded);
    stdout.write(json ? asJson(loaded, probe, hooks) : asText(loaded, probe, hooks));
    const isMissing = probe?.isUsable === false && loaded.settings.ingest.redis?.required === true;
    return isMissing ? exitCodes.unavailable : exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (json)
      stdout.write(
        `${JSON.stringify({ ok: false, file: error.file, faults: error.faults }, undefined, 2)}\n`,
      );
    else stderr.write(`carillon: ${explain(error)}\n`);
    return exitCodes.config;
  }
}

/** What was found where publications come from besides clients and the API. */
interface Finding {
  readonly isUsable: boolean;
  readonly finding: string;
}

async function probeSources({ settings }: LoadedConfig): Promise<Finding | undefined> {
  if (settings.ingest.redis === undefined) return undefined;
  const { probeIngest } = await import('../server.ts');
  return probeIngest(settings);
}

/** The hooks that there are, loaded as `serve` would. @throws {ConfigError} they cannot be. */
async function loadedHooks({ settings, file }: LoadedConfig): Promise<readonly string[] | undefined> {
  const { source } = settings.hooks;
  if (source.module === undefined && source.urls === undefined) return undefined;
  const { HooksUnusable, probeHooks } = await import('../server/hooks.ts');
  try {
    return await probeHooks(settings);
  } catch (error) {
    throw error instanceof HooksUnusable ? new ConfigError([error.message], file) : error;
  }
}

function asJson(
  { file, development, inForce, notes }: LoadedConfig,
  probe: Finding | undefined,
  hooks: readonly string[] | undefined,
): string {
  const ingest = probe && { redis: { usable: probe.isUsable, finding: probe.finding } };
  const told = { ok: true, file, development, values: inForce, notes, ingest, hooks };
  return `${JSON.stringify(told, undefined, 2)}\n`;
}

function asText(
  { file, development, inForce, notes, settings }: LoadedConfig,
  probe: Finding | undefined,
  hooks: readonly string[] | undefined,
): string {
  const from =
    file === undefined
      ? 'There is no config file; this is in force:'
      : `${file} can be used; this is in force:`;
  const rows = inForce.map(({ path, value, origin }) => [path, JSON.stringify(value), origin]);
  const parts = [from, columns([['key', 'value', 'from'], ...rows])];
  if (development)
    parts.push('Development mode is on: no API key is needed, every channel is open, / shows the demos.');
  if (notes.length > 0) parts.push(notes.map((note) => `Note: ${note}`).join('\n'));
  if (hooks !== undefined) parts.push(`hooks: ${hooks.join(', ')}.`);
  if (probe !== undefined) parts.push(ingestLine(probe, settings.ingest.redis?.required === true));
  return `${parts.join('\n\n')}\n`;
}

function ingestLine({ isUsable, finding }: Finding, isRequired: boolean): string {
  if (isUsable) return `ingest.redis: ${finding}.`;
  const then = isRequired ? "it is required, so 'serve' would end" : "'serve' would start and try on";
  return `Warning: ingest.redis: ${finding}; ${then}.`;
}
