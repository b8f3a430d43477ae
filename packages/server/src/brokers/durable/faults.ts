/** What SQLite says when it cannot, in words of an operator. */
import { FormatFault } from './format.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const reasons: ReadonlyMap<number, string> = new Map([
  [3, 'may not be read or written by this user'],
  [5, 'is in use by another process; one Carillon at a time may have it'],
  [6, 'is in use by another process; one Carillon at a time may have it'],
  [8, 'cannot be written: it, or the disk, is read-only'],
  [10, 'cannot be read or written: the disk reports an error'],
  [11, 'is damaged'],
  [13, 'cannot be written: the disk is full, or the log as large as limits.dataBytes lets it be'],
  [14, 'cannot be opened or made'],
  [26, 'is damaged, or no log of Carillon'],
]);

/** Whether another process has it. */
export function isInUse(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === 'number' && ((errcode & 0xff) === 5 || (errcode & 0xff) === 6);
}

/** Half a sentence that begins behind the name of the file. */
export function reasonOf(error: unknown): string {
  if (error instanceof FormatFault) return error.message;
  const { errcode, message } = error as { readonly errcode?: unknown; readonly message?: unknown };
  // The upper bytes are the extended code.
  const reason = typeof errcode === 'number' ? reasons.get(errcode & 0xff) : undefined;
  return reason ?? `failed: ${String(message ?? error)}`;
}
