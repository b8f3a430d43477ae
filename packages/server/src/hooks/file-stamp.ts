/** What tells one version of a file from another, without reading it. */
import { statSync } from 'node:fs';

/** Empty for a file that is not there. */
export function fileStamp(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeNs}:${stat.size}:${stat.ino}`;
}
