/** Flags, environment, file and defaults, in this order of precedence, become the settings of one server. */
import { dirname, relative, resolve } from 'node:path';
import { keyOf } from './api-settings.ts';
import { checkLeniently } from './check.ts';
import { type Override, readEnvironment, readFlags, readSwitch } from './environment.ts';
import { ConfigError, faultsOf } from './faults.ts';
import { findConfigFile, readConfigFile } from './file.ts';
import { inForce, type ValueInForce } from './in-force.ts';
import type { Absolute } from './ingest-settings.ts';
import { jwtFaults } from './jwt-key.ts';
import { type Standing, standingOf } from './live.ts';
import type { CompleteConfig } from './schema.ts';
import { type Settings, toSettings } from './settings.ts';
import { adapt, crossFaults } from './validate.ts';
import { webhookNotes } from './webhook-settings.ts';

export interface ConfigSources {
  /** Flags by name without dashes; `config` and `dev` besides those of keys. */
  readonly flags?: Readonly<Record<string, string | boolean | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory: flags and the default file are relative to it. */
  readonly cwd: string;
  /** How often a config was loaded before in this process: a file that is a program is run again then, with all that it imports. */
  readonly generation?: number;
}

export interface LoadedConfig extends Standing {
  readonly settings: Settings;
  /** Where each value comes from, by path: `--port`, `CARILLON_PORT`, the file's path, `development mode` or `default`. */
  readonly origins: ReadonlyMap<string, string>;
  /** Every value with its path and origin, secrets masked: what `carillon check` prints. */
  readonly inForce: readonly ValueInForce[];
  readonly development: boolean;
  /** The config file that was read, an absolute path. */
  readonly file?: string;
  /** Sentences for the operator that are no faults. */
  readonly notes: readonly string[];
}

type Raw = Readonly<Record<string, unknown>>;

/** @throws {ConfigError} with all faults at once. */
export async function loadConfig({ flags = {}, env, cwd, generation }: ConfigSources): Promise<LoadedConfig> {
  const environment = readEnvironment(env);
  const devSwitch = readSwitch(env, 'CARILLON_DEV');
  const faults = [...environment.faults, ...(devSwitch.fault === undefined ? [] : [devSwitch.fault])];
  const file = configFile(flags['config'], env['CARILLON_CONFIG'], cwd);
  const fromFile = file === undefined ? {} : await readOrCollect(file, faults, generation);
  const overrides = [...environment.overrides, ...readFlags(flags)];
  const raw = overrides.reduce<Raw>(applyOverride, fromFile);
  const sources = new Map(overrides.map(({ path, source }) => [path.join('.'), source]));
  const sourceOf = (path: string): string | undefined => sources.get(path.replace(/\[\d+\]$/, ''));

  const { config: checked, issues } = checkLeniently(raw);
  const development =
    (flags['dev'] === undefined ? devSwitch.on : flags['dev'] === true) ||
    (file === undefined && checked.api.keys.length === 0);
  const isGiven = (path: string | readonly string[]): boolean =>
    valueAt(raw, typeof path === 'string' ? path.split('.') : path) !== undefined;
  const isFaulty = (section: string): boolean => issues.some(({ path: [top] }) => top === section);
  const uncertain = ['host', 'api', 'channels', 'insecure'].some(isFaulty);
  const situation = { development, isGiven, isFaulty, uncertain };
  const { config, reasons } = adapt(checked, situation);
  // The rule that development mode implies does not count where the question is whether there is a rule.
  const crossed = crossFaults({ ...config, channels: onlyOwn(config, checked) }, situation);
  const absolute: Absolute = (path, name) => {
    const isOfFile = file !== undefined && !sources.has(path.join('.'));
    return resolve(isOfFile ? dirname(file) : cwd, name);
  };
  if (!isFaulty('auth')) crossed.push(...jwtFaults(config.auth, absolute));
  faults.unshift(...faultsOf(issues, raw, sourceOf), ...crossed);
  if (faults.length > 0) throw new ConfigError(faults, file);

  const shownFile = file === undefined ? undefined : relative(cwd, file) || file;
  const values = inForce(
    config,
    (path) => {
      const given = sources.get(path.join('.'));
      return given ?? (shownFile !== undefined && valueAt(raw, path) !== undefined ? shownFile : undefined);
    },
    reasons,
  );
  return {
    ...standingOf(config, toSettings(config, development, absolute, file)),
    origins: new Map(values.map(({ path, origin }) => [path, origin])),
    inForce: values,
    development,
    ...(file === undefined ? {} : { file }),
    notes: [...environment.notes, ...notesOn(config)],
  };
}

function configFile(flag: unknown, env: string | undefined, cwd: string): string | undefined {
  const named = typeof flag === 'string' ? flag : env?.trim() || undefined;
  return named === undefined ? findConfigFile(cwd) : resolve(cwd, named);
}

async function readOrCollect(
  file: string,
  faults: readonly string[],
  generation: number | undefined,
): Promise<Raw> {
  try {
    return await readConfigFile(file, { ...(generation !== undefined && { generation }) });
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError([...error.faults, ...faults], file);
    throw error;
  }
}

/** The object with one value set; where something else than an object stands in the way, that is left for the schema to refuse. */
function applyOverride(raw: Raw, { path: [name = '', ...rest], value, source }: Override): Raw {
  if (rest.length === 0) return { ...raw, [name]: value };
  const inner = raw[name] ?? {};
  if (!isRecord(inner)) return raw;
  return { ...raw, [name]: applyOverride(inner, { path: rest, value, source }) };
}

/** The rules that the config itself has, as they are in force. */
function onlyOwn(config: CompleteConfig, checked: CompleteConfig): CompleteConfig['channels'] {
  const own = Object.entries(config.channels).filter(([pattern]) => checked.channels[pattern] !== undefined);
  return Object.fromEntries(own);
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (here, name) =>
      typeof name === 'number'
        ? Array.isArray(here) && here[name]
        : isRecord(here)
          ? here[String(name)]
          : undefined,
    raw,
  );
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notesOn(config: CompleteConfig): string[] {
  const notes: string[] = [];
  const short = config.api.keys.filter((key) => keyOf(key).length < 16).length;
  if (short > 0)
    notes.push(
      `api.keys: ${short} of ${config.api.keys.length} are shorter than 16 characters and may be guessed.`,
    );
  const { secret } = config.auth.jwt ?? {};
  if (secret !== undefined && Buffer.byteLength(secret) < 32)
    notes.push('auth.jwt.secret: is shorter than 32 bytes and may be guessed.');
  notes.push(...webhookNotes(config.webhooks));
  if (config.insecure) notes.push('insecure: the rules that keep a server from standing open are off.');
  return notes;
}
