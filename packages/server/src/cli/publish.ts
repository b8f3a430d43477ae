/** `carillon publish`: one publication over the server API. */
import { isJson } from '@carillon/protocol';
import { callApi, refused } from './api.ts';
import { type Call, type Command, textOption } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { httpUrl, targetOptions } from './target.ts';

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

interface Published {
  readonly offset?: number;
  readonly epoch?: string;
}

async function runPublish(call: Call): Promise<number> {
  const { positionals, flags, terminal } = call;
  const [channel = '', given = ''] = positionals;
  const data = given === '-' ? await readAll(terminal.stdin) : given;
  const target = httpUrl(textOption(publish, call, 'url') ?? '', '/v1/publish');
  const answer = await callApi<Published>(
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

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  stdin.setEncoding('utf8');
  let text = '';
  for await (const piece of stdin) text += String(piece);
  return text.replace(/\r?\n$/, '');
}
