/** A history answer as JSON text, with the publications' data exactly as they were published. */
import type { HistoryPage, Publication } from './broker.ts';

/** `{"publications":[{"offset","data"}...],"epoch","offset"}`; only what `isShown`. */
export function historyText(
  { publications, epoch, top }: HistoryPage,
  isShown: (publication: Publication) => boolean = () => true,
): string {
  const items = publications.filter(isShown).map(itemText).join(',');
  return `{"publications":[${items}],"epoch":${JSON.stringify(epoch)},"offset":${top}}`;
}

function itemText({ offset, data, binary }: Publication): string {
  return `{"offset":${offset},"data":${data}${binary === true ? ',"binary":true' : ''}}`;
}
