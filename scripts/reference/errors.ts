/** docs/errors.md: every error and close code, with what it means and what to do. A code without a sentence does not compile. */
import { disconnects, type ErrorName, errorCodes, shouldReconnect } from '@carillon/protocol';
import { page, table } from './table.ts';

const errorMeanings: Readonly<Record<ErrorName, string>> = {
  notAuthenticated:
    'The connection has not authenticated, and this needs it. Send `auth` with a token first.',
  internal: 'A fault of the server. It is in the server log with its cause; the command may be tried again.',
  unauthorized: 'The token or API key is not valid. Get another one.',
  unknownChannel: 'No channel rule matches the name. Add a rule for it to `channels` in the configuration.',
  permissionDenied: 'A rule matches, but does not let this client do this.',
  unknownMethod: 'There is no command or API method of this name.',
  alreadySubscribed: 'This connection is subscribed to the channel already, under this or another name.',
  limitExceeded: 'A limit was met; the message names it. The limits are listed in [limits.md](limits.md).',
  badRequest: 'The message is not what the protocol or the API asks for; the text names the field.',
  notAvailable:
    'Something that the answer depends on is down or late. Try again later. With status 404: the session that a request names is not there.',
  tokenExpired: 'The token was valid once. Get a new one and send it.',
  tooManyRequests: 'More came in than the configured rate allows. Slow down, then try again.',
  unrecoverablePosition:
    'The position is of another epoch, or above the top of the channel. Ask again without `since`.',
  conflict: 'Somebody else was first: the rendezvous was scanned, confirmed or collected already.',
  gone: 'The rendezvous has expired, was cancelled, or never was. Draw a new one.',
};

const endMeanings: Readonly<Record<keyof typeof disconnects, string>> = {
  normal: 'The client, or the server at its wish, is done.',
  protocolError: 'What came in is no WebSocket frame that RFC 6455 allows here.',
  invalidText: 'A text message was not UTF-8.',
  tooBig: 'A message, its fragments together, was longer than `websocket.maxFrameBytes`.',
  connectionClosed: 'The server ended the connection without blaming the client.',
  shutdown: 'The server is going down or being replaced. Come back; positions hold.',
  expired: 'The token ran out and was not refreshed.',
  slow: 'The client did not read for longer than `websocket.stallTimeout`, or fell behind where a loss cannot be told.',
  insufficientState: 'The server lost what the connection depends on. Come back and recover.',
  noPong: 'A heartbeat was not answered in time.',
  invalidToken:
    'The token was refused when the connection opened, or its user was blocked since. Come back with another one, or not at all.',
  badRequest: 'The client does not speak the protocol, or did not authenticate in time.',
  forced:
    'An operator or the application ended the connection; in an `unsubscribed` event, the subscription.',
  permissionDenied: 'The application no longer lets this client stay.',
  tooManyErrors: 'One refused command followed another too often.',
};

export function renderErrors(): string {
  const replies = Object.entries(errorCodes).map(([name, { code, message, status }]) => [
    String(code),
    `\`${message}\``,
    String(status),
    errorMeanings[name as ErrorName],
  ]);
  const ends = Object.entries(disconnects).map(([name, { code, reason }]) => [
    String(code),
    `\`${reason}\``,
    shouldReconnect(code) ? 'yes' : 'no',
    endMeanings[name as keyof typeof disconnects],
  ]);
  return page(
    'Errors and close codes',
    'packages/protocol/src/codes.ts',
    '## Errors\n\nA refused command or API request. The connection lives on. Over a WebSocket it is' +
      ' `{"code":n,"msg":s}`, with the `id` of the command; over HTTP `{"error":{"code","message"}}` with the status.' +
      " 400 to 1999 are the application's own, from hooks.",
    table(['code', 'message', 'HTTP status', 'meaning'], replies),
    '## Close codes\n\nThe end of a connection. Whether a client should come back follows from the number alone: not' +
      ' for 3500-3999 and 4500-4999, nor for 1002, 1003, 1007 and 1009, which it would only meet again; else yes.',
    table(['code', 'reason', 'reconnect', 'meaning'], ends),
  );
}
