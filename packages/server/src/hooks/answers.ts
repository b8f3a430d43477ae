/** What the core is told of a hook's answer. */
import { errorCodes, type JsonText } from '@carillon/protocol';
import type { Identity } from '../core/access.ts';
import { ReplyError, refuse } from '../core/errors.ts';
import type { HookAnswers, HookName } from '../core/hooks.ts';
import { IdentityFault, isFields, readIdentityAnswer } from '../core/identity.ts';

/** The hook went wrong; what exactly is for the log alone. */
export function hookFailed(): ReplyError {
  const { code, message, status } = errorCodes.internal;
  return new ReplyError(code, message, status);
}

/**
 * Makes an answer of its text, which is JSON: an identity, the data, or the result.
 *
 * @throws {IdentityFault} nobody can be made of it. @throws {ReplyError} 109 an identity that is over.
 */
export function readAnswer<Name extends HookName>(
  name: Name,
  text: JsonText,
  now: number,
): HookAnswers[Name] {
  return read(name, text, now) as HookAnswers[Name];
}

function read(name: HookName, text: JsonText, now: number): HookAnswers[HookName] {
  if (name === 'call') return text;
  if (name === 'connect' || name === 'auth') return readIdentityOf(text, now);
  return { data: text };
}

const members = ['user', 'uid', 'info', 'tags', 'channels', 'expires'];

/** A backend that answers the callback of `auth` may call the user `uid` here, too. */
function readIdentityOf(text: JsonText, now: number): Identity {
  const answer: unknown = JSON.parse(text);
  if (!isFields(answer) || !members.some((name) => answer[name] !== undefined)) {
    throw new IdentityFault(`it has none of ${members.map((name) => `'${name}'`).join(', ')}`);
  }
  const userName = answer['user'] === undefined ? 'uid' : 'user';
  const identity = readIdentityAnswer(answer, text, userName, now);
  if (identity.expiresAt !== undefined && identity.expiresAt <= now) throw refuse('tokenExpired');
  return identity;
}
