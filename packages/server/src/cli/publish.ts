/** `carillon publish`: one publication over the server API. */
import { isJson } from '@carillon/protocol';
import { type Call, type Command, textOption, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { httpUrl, targetOptions, unreachable } from './target.ts';

const { url, key } = targetOptions;

export const publish: Command = {
  name: 'publish',
  positionals: 'CHANNEL DATA',
  arity: { min: 2, max: 2 },
  about: [
    'Publishes to a channel and prints the position that the publication got.',
    'DATA that is JSON is published as that JSON, other text as a string; - reads it from standard input.',
    'Put -- before DATA that begins with a dash.',
  ],
  options: {
    url,
    key,
    'idempotency-key': {
      type: 'string',
      placeholder: 'TEXT',
      sentence: 'A second publication with the same text within five minutes gets the answer of the first.',
    },
    json: { type: 'boolean', sentence: 'Print JSON.' },
  },
  examples: [
    'publish room:lobby hello',
    `publish room:lobby '{"text":"hello"}'`,
    'publish room:lobby - < message.json',
  ],
  run: runPublish,
};

interface Answer {
  readonly result?: { readonly offset?: number; readonly epoch?: string };
  readonly error?: { readonly code: number; readonly message: string };
}

async function runPublish(call: Call): Promise<number> {
  const { positionals, flags, terminal } = call;
  const [channel = '', given = ''] = positionals;
  const data = given === '-' ? await readAll(terminal.stdin) : given;
  const target = httpUrl(textOption(publish, call, 'url') ?? '', '/v1/publish');
  const answer = await post(
    target,
    requestBody(channel, data, flags['idempotency-key']),
    textOption(publish, call, 'key'),
  );
  if (answer.result === undefined) throw refused(answer);
  const { offset, epoch } = answer.result;
  const sentence =
    offset === undefined
      ? 'published (the channel keeps no history)'
      : `published: offset ${offset}, epoch ${epoch}`;
  terminal.stdout.write(`${flags['json'] === true ? JSON.stringify(answer.result) : sentence}\n`);
  return exitCodes.ok;
}

/** The data goes in as it was written: a number beyond 2^53 stays what it is. */
function requestBody(channel: string, data: string, idempotencyKey: string | boolean | undefined): string {
  const key =
    typeof idempotencyKey === 'string' ? `,"idempotency_key":${JSON.stringify(idempotencyKey)}` : '';
  return `{"channel":${JSON.stringify(channel)},"data":${isJson(data) ? data : JSON.stringify(data)}${key}}`;
}

async function post(target: URL, body: string, apiKey: string | undefined): Promise<Answer> {
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
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(target, error);
  }
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new CommandError(`what answers at ${target.origin} is no Carillon`, exitCodes.unavailable);
  }
}

function refused({ error }: Answer): CommandError {
  if (error === undefined)
    return new CommandError('the server gave an answer without a result', exitCodes.failed);
  const hint =
    error.code === 101 || error.code === 1 ? '; give an API key with --key or CARILLON_API_KEY' : '';
  return new CommandError(`the server refused: ${error.message} (${error.code})${hint}`, exitCodes.failed);
}

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  stdin.setEncoding('utf8');
  let text = '';
  for await (const piece of stdin) text += String(piece);
  return text.replace(/\r?\n$/, '');
}
