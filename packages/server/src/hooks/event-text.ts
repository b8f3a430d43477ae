/** An event as JSON: its data stands in it as it was written. */
import type { JsonText } from '@carillon/protocol';

export function eventText(event: object): JsonText {
  const { data, ...rest } = event as { readonly data?: JsonText };
  const text = JSON.stringify(rest);
  if (data === undefined) return text;
  return text === '{}' ? `{"data":${data}}` : `${text.slice(0, -1)},"data":${data}}`;
}
