/** The fields of a client's command, checked one by one: each fault names the field, what is wrong and the bound. */
import {
  channelNameFault,
  compactSlice,
  isNestedDeeper,
  type JsonText,
  limits,
  memberSlice,
  type Position,
  utf8Length,
} from '@carillon/protocol';
import { refuse } from './errors.ts';
import type { Session } from './session.ts';

/** A command as it was parsed; nothing but its being an object is known. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a command came to, as JSON text. */
export interface Outcome {
  /** The result for a command with an id. */
  readonly full: string;
  /** The result for a command without one. */
  readonly short: string;
  /** What starts right after the reply has been pushed. */
  begin?(): void;
}

/** A command of an admitted client, and where its text stands: the object at `start` of `json`. */
export interface CommandRequest {
  readonly session: Session;
  readonly fields: Fields;
  readonly json: string;
  readonly start: number;
}

/** Carries out one kind of command. Rejects with a ReplyError where it refuses. */
export type CommandHandler = (request: CommandRequest) => Promise<Outcome>;

/** @throws {ReplyError} 107 unless the field is text of 1 to `maxBytes` bytes. */
export function requiredText(fields: Fields, name: string, maxBytes: number): string {
  const value = optionalText(fields, name, maxBytes);
  if (value === undefined) throw refuse('badRequest', `'${name}' is required`);
  return value;
}

export function optionalText(fields: Fields, name: string, maxBytes: number): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw refuse('badRequest', `'${name}' must be a string`);
  if (value === '') throw refuse('badRequest', `'${name}' must not be empty`);
  if (utf8Length(value) > maxBytes)
    throw refuse('badRequest', `'${name}' must not be longer than ${maxBytes} bytes`);
  return value;
}

/**
 * The channel that a command means: `@user` stands for the channel of the client's own user.
 * @throws {ReplyError} 107 no name, 1 `@user` before the client has a user, 102 another alias.
 */
export function channelField(fields: Fields, user: string | undefined): { channel: string; label: string } {
  const value = fields['channel'];
  if (typeof value !== 'string') throw refuse('badRequest', "'channel' must be a string");
  const channel = value.startsWith('@') ? resolveAlias(value, user) : value;
  const fault = channelNameFault(channel);
  if (fault !== undefined) throw refuse('badRequest', `'channel' ${fault}`);
  return { channel, label: value };
}

/** @throws {ReplyError} 107 unless the field is `{epoch, offset}` or absent. */
export function positionField(fields: Fields, name: string): Position | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (!isFields(value)) throw refuse('badRequest', `'${name}' must be an object {"epoch", "offset"}`);
  const { offset } = value;
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) {
    throw refuse('badRequest', `'${name}.offset' must be a whole number from 0`);
  }
  const path = `${name}.epoch`;
  return { epoch: requiredText({ [path]: value['epoch'] }, path, limits.nameBytes), offset };
}

/** As {@link optionalData}. @throws {ReplyError} 107 where there is none. */
export function dataField(json: string, start: number): JsonText {
  const data = optionalData(json, start);
  if (data === undefined) throw refuse('badRequest', "'data' is required");
  return data;
}

/** The text of `data` in the command at `start`. @throws {ReplyError} 107 where it is nested too deep. */
export function optionalData(json: string, start: number): JsonText | undefined {
  const slice = memberSlice(json, 'data', start);
  if (slice === undefined) return undefined;
  const data = compactSlice(json, slice);
  if (isNestedDeeper(data, limits.nesting)) {
    throw refuse(
      'badRequest',
      `'data' is nested deeper than ${limits.nesting} arrays and objects; make it flatter`,
    );
  }
  return data;
}

/** @throws {ReplyError} 107 unless the field is a whole number from 1 to `max`, or absent. */
export function countField(fields: Fields, name: string, max: number): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw refuse('badRequest', `'${name}' must be a whole number from 1 to ${max}`);
  }
  return value;
}

/** @throws {ReplyError} 107 unless the field is a whole number from 0. */
export function offsetField(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw refuse('badRequest', `'${name}' must be a whole number from 0`);
  }
  return value;
}

export function flagField(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw refuse('badRequest', `'${name}' must be true or false`);
  return value;
}

function resolveAlias(alias: string, user: string | undefined): string {
  if (alias !== '@user')
    throw refuse('unknownChannel', `the only alias is '@user', not '${alias.slice(0, 32)}'`);
  if (user === undefined) throw refuse('notAuthenticated');
  return `user:${user}`;
}
