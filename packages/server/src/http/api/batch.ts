/** `batch`: several requests in one, run in order. */
import { elementSlices, type JsonText, limits, memberSlice, nearest } from '@carillon/protocol';
import { ReplyError, refuse } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { asRefusal, errorText } from '../answer.ts';
import type { Grant } from './grant.ts';
import type { ApiMethod, Prepared, RawParams, Verbs } from './method.ts';
import { batchResult } from './results.ts';
import { type BatchParams, batchParams } from './schemas.ts';
import { check, type Fault } from './validate.ts';

/** `methods`: what a batch may be made of. */
export function batchMethod(methods: ReadonlyMap<string, ApiMethod>, log: Log): ApiMethod {
  return {
    name: 'batch',
    summary:
      'Runs several requests in order. It is checked as a whole first: one bad request, and none is run.',
    docs: {
      theme: 'publishing',
      description:
        'One after another, in their order. Each has its own answer in `results`, an `error` where it was refused; those after it are run all the same. Before the first is run, the whole body is checked: a field that one of them lacks refuses the batch, and nothing of it takes effect. A batch cannot stand in a batch.',
      errors: [],
      example: {
        params: {
          requests: [
            { method: 'publish', params: { channel: 'order:42', data: { state: 'paid' } } },
            { method: 'send', params: { to: { user: '1001' }, data: 'Thank you.' } },
          ],
        },
        result: {
          results: [{ result: { offset: 1, epoch: 'Kb3xQ9-a' } }, { result: { sessions: 0 } }],
        },
      },
    },
    params: batchParams,
    result: batchResult,
    prepare(input, raw, verbs, grant) {
      const { value, faults } = check(batchParams, input);
      if (faults !== undefined) return faults;
      const prepared = prepareAll(value, raw, methods, { verbs, grant });
      return prepared.faults.length > 0 ? prepared.faults : () => runAll(prepared.runs, log);
    },
  };
}

function prepareAll(
  { requests }: BatchParams,
  { json, start }: RawParams,
  methods: ReadonlyMap<string, ApiMethod>,
  { verbs, grant }: { readonly verbs: Verbs; readonly grant: Grant | undefined },
): { runs: Prepared[]; faults: Fault[] } {
  const runs: Prepared[] = [];
  const faults: Fault[] = [];
  const slices = elementSlices(json, memberSlice(json, 'requests', start)?.start);
  requests.forEach(({ method: name, params = {} }, index) => {
    const method = methods.get(name);
    if (method === undefined) {
      faults.push({ path: ['requests', index, 'method'], message: unknownMethod(name, methods) });
      return;
    }
    const paramsStart = memberSlice(json, 'params', slices[index]?.start)?.start ?? json.length;
    const prepared = naming(index, () => method.prepare(params, { json, start: paramsStart }, verbs, grant));
    if (typeof prepared === 'function') runs.push(prepared);
    else
      for (const { path, message } of prepared)
        faults.push({ path: ['requests', index, 'params', ...path], message });
  });
  return { runs, faults };
}

/** A key that may not do one of the requests may do none; the refusal says which. */
function naming<Result>(index: number, prepare: () => Result): Result {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
    throw new ReplyError(error.code, `${error.message} (requests[${index}])`, error.status);
  }
}

async function runAll(runs: readonly Prepared[], log: Log): Promise<JsonText> {
  const results: JsonText[] = [];
  let length = 0;
  for (const run of runs) {
    const result = length > limits.batchAnswerBytes ? answerTooLarge : await outcome(run, log);
    length += result.length;
    results.push(result);
  }
  return `{"results":[${results.join()}]}`;
}

async function outcome(run: Prepared, log: Log): Promise<JsonText> {
  try {
    return `{"result":${await run()}}`;
  } catch (error) {
    return errorText(asRefusal(error, log, 'batch'));
  }
}

const answerTooLarge = errorText(
  refuse(
    'limitExceeded',
    `not run, because the answers before it exceed ${limits.batchAnswerBytes} bytes; send it in another batch`,
  ),
);

function unknownMethod(name: string, methods: ReadonlyMap<string, ApiMethod>): string {
  if (name === 'batch') return "is 'batch', which cannot stand in a batch; list its requests here";
  const meant = nearest(name, methods.keys());
  return meant === undefined
    ? `is not a known method; known are ${[...methods.keys()].join(', ')}`
    : `is not a known method; did you mean '${meant}'?`;
}
