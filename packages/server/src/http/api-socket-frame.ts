/** The frames of `GET /v1/ws`: the two shapes of a request, and how each is answered. */
import { limits, memberSlice } from '@carillon/protocol';
import { type ReplyError, refuse } from '../core/errors.ts';
import { errorText } from './answer.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A frame in one of the two shapes: what its members are called, and how it is answered. */
export interface Shape {
  readonly id: string;
  readonly method: string;
  readonly params: string;
  result(id: string | undefined, text: string): string;
  error(id: string | undefined, error: ReplyError): string;
}

export const carillonShape: Shape = {
  id: 'id',
  method: 'method',
  params: 'params',
  result: (id, text) => `{${id === undefined ? '' : `"id":${id},`}"result":${text}}`,
  error: (id, error) => `{${id === undefined ? '' : `"id":${id},`}${errorText(error).slice(1)}`,
};

export const connmixShape: Shape = {
  id: 'i',
  method: 'm',
  params: 'p',
  result: (id, text) => `${text.slice(0, -1)}${id === undefined ? '' : `,"i":${id}`}}`,
  error: (id, { code, message }) =>
    `{"E":{"c":${code},"m":${JSON.stringify(message)}},"r":null${id === undefined ? '' : `,"i":${id}`}}`,
};

export function shapeOf(fields: Fields): Shape {
  return 'm' in fields ? connmixShape : carillonShape;
}

/** The method that a frame names. @throws {ReplyError} 107 another member, or no name. */
export function methodName(fields: Fields, { id, method, params }: Shape): string {
  const known = [id, method, params];
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other !== undefined) {
    throw refuse('badRequest', `'${other.slice(0, 64)}' is not a known field; known are ${known.join(', ')}`);
  }
  const name = fields[method];
  if (typeof name !== 'string') throw refuse('badRequest', `'${method}' must be a string`);
  return name;
}

/** The id as it was written; undefined without one. @throws {ReplyError} 107 it is neither a number nor a short string. */
export function idText(fields: Fields, json: string, shape: Shape): string | undefined {
  const id = fields[shape.id];
  if (id === undefined) return undefined;
  const isName = typeof id === 'string' && id.length <= limits.nameBytes;
  if (!isName && typeof id !== 'number') {
    throw refuse(
      'badRequest',
      `'${shape.id}' must be a number or a string of at most ${limits.nameBytes} characters`,
    );
  }
  const slice = memberSlice(json, shape.id);
  return slice === undefined ? undefined : json.slice(slice.start, slice.end);
}
