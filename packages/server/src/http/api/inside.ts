/** The server API for callers inside this process, such as hooks: the same methods and checks, no key, no HTTP. */
import { type JsonText, nearest } from '@carillon/protocol';
import { refuse } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { asRefusal } from '../answer.ts';
import { parseBody } from '../json-text.ts';
import { batchMethod } from './batch.ts';
import type { Verbs } from './method.ts';
import { apiMethods } from './methods.ts';
import { refuseFaults } from './validate.ts';

/** What it returns runs a method with the JSON text of its parameters. It rejects with a ReplyError where that is refused. */
export function apiInside(verbs: Verbs, log: Log): (method: string, params: JsonText) => Promise<JsonText> {
  const methods = new Map(apiMethods(log).map((method) => [method.name, method]));
  methods.set('batch', batchMethod(new Map(methods), log));
  return async (name, params) => {
    try {
      const method = methods.get(name);
      if (method === undefined) throw refuse('unknownMethod', unknownMethod(name, methods.keys()));
      const prepared = method.prepare(parseBody(params), { json: params, start: 0 }, verbs);
      if (typeof prepared !== 'function') throw refuseFaults(prepared);
      return await prepared();
    } catch (error) {
      throw asRefusal(error, log, `a hook's ${name}`);
    }
  };
}

function unknownMethod(name: string, known: Iterable<string>): string {
  const names = [...known];
  const meant = nearest(name, names);
  return meant === undefined ? `known are ${names.join(', ')}` : `did you mean '${meant}'?`;
}
