/** The methods of the server API, for the pages that describe them. */
import type { Log } from '../../packages/server/src/core/log.ts';
import { batchMethod } from '../../packages/server/src/http/api/batch.ts';
import { meshMethods } from '../../packages/server/src/http/api/mesh.ts';
import type { ApiMethod } from '../../packages/server/src/http/api/method.ts';
import { apiMethods } from '../../packages/server/src/http/api/methods.ts';

/** Those that answer in Carillon's own shapes. */
export function ownMethods(): readonly ApiMethod[] {
  return [...apiMethods(silent), batchMethod(new Map(), silent)];
}

/** Every method that has a page. */
export function documentedMethods(): readonly ApiMethod[] {
  return [...ownMethods(), ...meshMethods];
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
