/** How a new server takes the place of one that runs: it asks the other to end, and waits for the data directory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface Takeover {
  /** Another server has the data directory; called once. `pid`: its process, where that is known. */
  waiting(pid: number | undefined): void;
}

/** Whatever cannot be opened while another process has it. */
interface InUse {
  readonly isInUse?: boolean;
}

const retryMs = 100;

/**
 * Calls `open` until it is not refused because another process has the directory; that one gets SIGTERM first. Without a
 * `takeover` the refusal stands. Waits for as long as the other one drains: what it acknowledged must not be cut off.
 */
export async function openDataDir(
  dataDir: string,
  takeover: Takeover | undefined,
  open: () => Promise<void>,
): Promise<void> {
  for (let hasAsked = false; ; ) {
    try {
      await open();
      break;
    } catch (error) {
      if (takeover === undefined || (error as InUse).isInUse !== true) throw error;
    }
    if (!hasAsked) takeover.waiting(askToEnd(dataDir));
    hasAsked = true;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  writeFileSync(pidFile(dataDir), `${process.pid}\n${hostname()}\n`);
}

/**
 * Whoever has the directory has written its number there, and the name of its machine: in another container the same number is
 * some other process, as likely as not this one.
 */
function askToEnd(dataDir: string): number | undefined {
  try {
    const [number, machine] = readFileSync(pidFile(dataDir), 'utf8').split('\n');
    const pid = Number(number);
    if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid || machine !== hostname())
      return undefined;
    process.kill(pid, 'SIGTERM');
    return pid;
  } catch {
    // It has no right to, or the file is not there: then somebody else must end it.
    return undefined;
  }
}

function pidFile(dataDir: string): string {
  return join(dataDir, 'carillon.pid');
}
