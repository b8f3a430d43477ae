/** `carillon data`: looks through a data directory, or carries what is in it elsewhere. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkData, exportData, importData } from '../server/data.ts';
import { type Call, type Command, columns, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { configOptions, loadOrExplain } from './load-or-explain.ts';

const { config, data: folder } = configOptions;

const actions: Readonly<Record<string, (dataDir: string, call: Call) => Promise<number>>> = {
  check: runCheck,
  export: runExport,
  import: runImport,
};

export const data: Command = {
  name: 'data',
  positionals: 'check|export|import [FILE]',
  arity: { min: 1, max: 2 },
  about: [
    'Works on a data directory that no server has open.',
    '`check` reads all of it and ends with 0 when it is whole, with 1 when not. `export` writes it as lines of JSON, `import` reads them into',
    'a folder that has no log yet.',
  ],
  options: {
    ...(folder !== undefined && { data: folder }),
    ...(config !== undefined && { config }),
    'keep-positions': {
      type: 'boolean',
      sentence:
        'With import: clients go on where they stood. Only where nothing was published after the export; else they could miss something unnoticed.',
    },
    json: { type: 'boolean', sentence: 'Print JSON.' },
  },
  examples: [
    'data check --data ./data',
    'data export --data ./data > archive.ndjson',
    'data import archive.ndjson --data ./other --keep-positions',
  ],
  run: runData,
};

async function runData(call: Call): Promise<number> {
  const [name = '', file] = call.positionals;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw usage(`'${name}' is none of check, export and import`);
  if (file !== undefined && name !== 'import') throw usage(`'data ${name}' takes no file`);
  const { settings } = await loadOrExplain(call);
  if (settings.dataDir === undefined)
    throw usage('no data directory is configured; name one with --data DIR');
  try {
    return await action(settings.dataDir, call);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_LOG_UNUSABLE') throw error;
    throw new CommandError((error as Error).message, exitCodes.config);
  }
}

async function runCheck(dataDir: string, { flags, terminal }: Call): Promise<number> {
  const report = await checkData(dataDir);
  const { faults, ...counts } = report;
  const isWhole = faults.length === 0;
  if (flags['json'] === true) {
    terminal.stdout.write(`${JSON.stringify({ ok: isWhole, ...report }, undefined, 2)}\n`);
  } else {
    const verdict = isWhole ? 'is whole' : 'is not whole:';
    const rows = Object.entries(counts).map(([name, count]) => [name, count.toLocaleString('en')]);
    terminal.stdout.write(`${[`${dataDir} ${verdict}`, ...faults, columns(rows)].join('\n')}\n`);
  }
  return isWhole ? exitCodes.ok : exitCodes.failed;
}

async function runExport(dataDir: string, { terminal: { stdout } }: Call): Promise<number> {
  for (const line of await exportData(dataDir)) {
    if (!stdout.write(`${line}\n`)) await once(stdout, 'drain');
  }
  return exitCodes.ok;
}

async function runImport(dataDir: string, { positionals: [, file], flags, terminal }: Call): Promise<number> {
  const input = file === undefined ? terminal.stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const opened = file === undefined ? Promise.resolve() : once(input, 'open');
  await opened.catch(({ code }: NodeJS.ErrnoException) => {
    throw usage(`'${file}' cannot be read (${code})`);
  });
  const imported = await importData(dataDir, lines, { keepsPositions: flags['keep-positions'] === true });
  const { channels, publications } = imported;
  const text = `${dataDir} has ${channels.toLocaleString('en')} channels and ${publications.toLocaleString('en')} publications now`;
  terminal.stdout.write(`${flags['json'] === true ? JSON.stringify(imported) : text}\n`);
  return exitCodes.ok;
}
