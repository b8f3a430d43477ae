/** One request of the server API, as a command sends it. */
import { usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { unreachable } from './target.ts';

export interface ApiAnswer<Result> {
  readonly result?: Result;
  readonly error?: { readonly code: number; readonly message: string };
}

/** @throws {CommandError} 64 the key is none, 69 nobody answers, or no Carillon. */
export async function callApi<Result>(
  target: URL,
  body: string,
  apiKey: string | undefined,
): Promise<ApiAnswer<Result>> {
  const headers = new Headers({ 'content-type': 'application/json' });
  if (apiKey !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw usage("'--key' must be printable ASCII without spaces");
    headers.set('authorization', `Bearer ${apiKey}`);
  }
  let text: string;
  try {
    const response = await fetch(target, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(60_000),
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(target, error);
  }
  try {
    return JSON.parse(text) as ApiAnswer<Result>;
  } catch {
    throw new CommandError(`what answers at ${target.origin} is no Carillon`, exitCodes.unavailable);
  }
}

/** The server said no. */
export function refused({ error }: ApiAnswer<unknown>): CommandError {
  if (error === undefined)
    return new CommandError('the server gave an answer without a result', exitCodes.failed);
  const message = `the server refused: ${error.message} (${error.code})${hints[error.code] ?? ''}`;
  return new CommandError(message, exitCodes.failed);
}

const needsKey = '; give an API key with --key or CARILLON_API_KEY';

/** What helps against an error that the command's own request cannot have caused. */
const hints: Readonly<Record<number, string>> = {
  1: needsKey,
  101: needsKey,
  104: '; where the API has an address of its own (api.listen), name that with --url or CARILLON_URL',
};
