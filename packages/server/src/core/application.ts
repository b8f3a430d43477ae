/** The commands that the application answers itself: `call`, and those whose `op` nobody else knows. */
import { compactSlice, type JsonText, limits, valueSlice } from '@carillon/protocol';
import {
  type CommandHandler,
  type CommandRequest,
  type Outcome,
  optionalData,
  requiredText,
} from './command.ts';
import { refuse } from './errors.ts';
import { checkAnswered, clientOf } from './hook-facts.ts';
import type { Hooks } from './hooks.ts';

/** @throws {ReplyError} 104 nobody answers calls, or the hook's refusal. */
export function callHandler(hooks: Hooks): CommandHandler {
  return async ({ session, fields, json, start }) => {
    const method = requiredText(fields, 'method', limits.nameBytes);
    if (!hooks.has('call')) throw refuse('unknownMethod', "nothing here answers a 'call'");
    const data = optionalData(json, start) ?? 'null';
    const result = await hooks.ask('call', { ...clientOf(session), method, data });
    return answered(checkAnswered('call', result ?? 'null'));
  };
}

/** @throws {ReplyError} 104 the application does not know it either, or the hook's refusal. */
export async function unknownCommand(
  hooks: Hooks,
  op: string,
  { session, json, start }: CommandRequest,
): Promise<Outcome> {
  if (hooks.has('message')) {
    const data = compactSlice(json, valueSlice(json, start));
    const answer = await hooks.ask('message', { ...clientOf(session), data });
    if (answer === false) return { full: '{}', short: 'true' };
    if (answer !== undefined) return answered(checkAnswered('message', answer.data));
  }
  throw refuse('unknownMethod', `there is no '${op.slice(0, 32)}'`);
}

/** The same with and without an id. */
function answered(result: JsonText): Outcome {
  return { full: result, short: result };
}
