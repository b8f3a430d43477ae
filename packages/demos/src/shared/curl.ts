/** Lines of a terminal that call the server API. */

/** A POSIX shell line that publishes `data` into `channel` on the server of this page. */
export function curlLine(origin: string, channel: string, data: unknown): string {
  return apiLine(origin, 'publish', { channel, data });
}

/** A POSIX shell line that calls a method of the server API. */
export function apiLine(origin: string, method: string, params: object): string {
  return [
    `curl -X POST ${quoted(`${origin}/v1/${method}`)}`,
    `-H ${quoted('Content-Type: application/json')}`,
    `-d ${quoted(JSON.stringify(params))}`,
  ].join(' ');
}

/** Only what a shell could take for something else needs quotes. */
function quoted(text: string): string {
  return /^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
