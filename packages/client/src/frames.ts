/** Native protocol frames as the SDK reads and writes them. */
import type { Member } from '@carillon/protocol';
import { CarillonError } from './errors.ts';
import * as reasons from './reasons.ts';

/** One object from the server: a reply (`id` with `result` or `code`) or an event (`event`). */
export interface Frame {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly code?: number;
  readonly msg?: string;
  readonly event?: string;
  readonly type?: string;
  readonly data?: unknown;
  readonly offset?: number;
  readonly binary?: boolean;
  readonly epoch?: string;
  readonly from?: number;
  readonly to?: number;
  readonly delay?: number;
  readonly recoverable?: boolean;
  readonly member?: Member;
  readonly device?: string;
  readonly unread?: number;
}

/** The objects of one frame, in order; undefined where it is not the native protocol. */
export function readFrame(frame: unknown): readonly Frame[] | undefined {
  if (typeof frame !== 'string') return undefined;
  try {
    const objects: readonly unknown[] = [JSON.parse(frame)].flat();
    return objects.every(isFrame) ? objects : undefined;
  } catch {
    return undefined;
  }
}

function isFrame(value: unknown): value is Frame {
  return Object(value) === value && !Array.isArray(value);
}

/**
 * A command with `data` as text, without an id. `data` is serialized here and only here, so what the application changes in it later
 * has no effect.
 * @throws CarillonError where `data` is nothing that JSON can hold.
 */
export function dataText(command: object, data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw new CarillonError(reasons.notJson, { cause });
  }
  if (json === undefined) throw new CarillonError(reasons.notJson);
  return `${JSON.stringify(command).slice(0, -1)},"data":${json}}`;
}
