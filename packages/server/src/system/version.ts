/** The version of this Carillon. */
import { readFileSync } from 'node:fs';

/** Read with the program: another one may be installed in its place while this one runs. */
const read = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  }
).version;

/** As package.json said it when this program began. */
export function version(): string {
  return read;
}
