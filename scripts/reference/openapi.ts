/** docs/openapi.json: what a running server answers on /openapi.json, for reading. */
import { readFileSync } from 'node:fs';
import type { Log } from '../../packages/server/src/core/log.ts';
import { batchMethod } from '../../packages/server/src/http/api/batch.ts';
import { apiMethods } from '../../packages/server/src/http/api/methods.ts';
import { openApi } from '../../packages/server/src/http/api/openapi.ts';

const manifest = new URL('../../packages/server/package.json', import.meta.url);

export function renderOpenApi(): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const methods = [...apiMethods(silent), batchMethod(new Map(), silent)];
  return `${JSON.stringify(JSON.parse(openApi(methods, version)), undefined, 2)}\n`;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
