/** What can be done with a data directory while no server has it. */
import { existsSync } from 'node:fs';
import type { Imported, ImportOptions, LogReport } from '../brokers/durable/archive.ts';
import { logFile, makeDataDir } from './data-dir.ts';

export type { Imported, LogReport };

/** Looks through everything that is kept. @throws {LogFault} there is no log, it is in use, or cannot be opened. */
export async function checkData(dataDir: string): Promise<LogReport> {
  const { checkLog } = await import('../brokers/durable/archive.ts');
  return checkLog(await existing(dataDir));
}

/** The lines of an archive. @throws {LogFault} */
export async function exportData(dataDir: string): Promise<Iterable<string>> {
  const { exportLog } = await import('../brokers/durable/archive.ts');
  return exportLog(await existing(dataDir));
}

/** Reads an archive into a folder that has no log, or an empty one. @throws {LogFault} */
export async function importData(
  dataDir: string,
  lines: AsyncIterable<string>,
  options: ImportOptions,
): Promise<Imported> {
  const { importLog } = await import('../brokers/durable/archive.ts');
  await makeDataDir(dataDir);
  return importLog(logFile(dataDir), lines, options);
}

async function existing(dataDir: string): Promise<string> {
  const file = logFile(dataDir);
  if (existsSync(file)) return file;
  const { LogFault } = await import('../brokers/durable/broker.ts');
  throw new LogFault(`there is no log in ${dataDir}.`);
}
