/** docs/openapi.json: what a running server answers on /openapi.json, for reading. */
import { readFileSync } from 'node:fs';
import { openApi } from '../../packages/server/src/http/api/openapi.ts';
import { ownMethods } from './methods.ts';

const manifest = new URL('../../packages/server/package.json', import.meta.url);

export function renderOpenApi(): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return `${JSON.stringify(JSON.parse(openApi(ownMethods(), version)), undefined, 2)}\n`;
}
