/** The line of a terminal that publishes into a room. */

/** A POSIX shell line that publishes `data` into `channel` on the server of this page. */
export function curlLine(origin: string, channel: string, data: unknown): string {
  return [
    `curl -X POST ${quoted(`${origin}/v1/publish`)}`,
    `-H ${quoted('Content-Type: application/json')}`,
    `-d ${quoted(JSON.stringify({ channel, data }))}`,
  ].join(' ');
}

/** Only what a shell could take for something else needs quotes. */
function quoted(text: string): string {
  return /^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
