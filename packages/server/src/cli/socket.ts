/** Opens a WebSocket for a command. */
import { CommandError, exitCodes } from './exit-codes.ts';
import { httpUrl, unreachable } from './target.ts';

/** Resolves with an open WebSocket. @throws {CommandError} 69 when there is none to be had. */
export function openSocket(url: URL): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => resolve(socket), { once: true });
    socket.addEventListener('error', () => explain(url).then(reject, reject), { once: true });
  });
}

/** A WebSocket does not tell why it failed; a plain request tells whether anybody is there. */
async function explain(url: URL): Promise<CommandError> {
  try {
    await fetch(httpUrl(url.href, '/'), { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
  } catch (error) {
    return unreachable(url, error);
  }
  return new CommandError(
    `the server at ${url.host} opens no WebSocket at ${url.pathname}`,
    exitCodes.unavailable,
  );
}
