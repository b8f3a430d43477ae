/** What a Redis payload is as a publication: JSON as it was written, other text as a string, other bytes as bytes. */
import { isUtf8 } from 'node:buffer';
import { compact, isJson, type JsonText } from '@carillon/protocol';

export interface Payload {
  readonly data: JsonText;
  /** `data` is a string of base64. */
  readonly binary?: true;
}

/** Never fails: whatever the bytes are, they can be published. */
export function toPayload(bytes: Buffer): Payload {
  if (!isUtf8(bytes)) return { data: `"${bytes.toString('base64')}"`, binary: true };
  const text = bytes.toString('utf8');
  return { data: isJson(text) ? compact(text) : JSON.stringify(text) };
}
