/** The folder in which a server keeps what outlives it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Only its owner may look into it. @throws {LogFault} it cannot be made. */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { LogFault } = await import('../brokers/durable/broker.ts');
    throw new LogFault(`the folder ${dataDir} cannot be made (${(error as NodeJS.ErrnoException).code}).`);
  }
}

export function logFile(dataDir: string): string {
  return join(dataDir, 'carillon.db');
}
