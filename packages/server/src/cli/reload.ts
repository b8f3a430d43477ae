/** `carillon reload`: has a running server load its config again. */
import { errorCodes } from '@carillon/protocol';
import { type ApiAnswer, callApi, refused } from './api.ts';
import { type Call, type Command, textOption } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { httpUrl, targetOptions } from './target.ts';

const { url, key } = targetOptions;

export const reload: Command = {
  name: 'reload',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Has a running server load its config again, without dropping a connection. SIGHUP does the same.',
    'Prints what has changed, and what needs a restart. A config with faults changes nothing, and ends this with 78.',
  ],
  options: { url, key, json: { type: 'boolean', sentence: 'Print JSON.' } },
  examples: ['reload', 'reload --url http://127.0.0.1:6789 --json'],
  run: runReload,
};

interface Report {
  readonly changed: readonly string[];
  readonly restart: readonly string[];
  readonly more?: number;
}

async function runReload(call: Call): Promise<number> {
  const { flags, terminal } = call;
  const target = httpUrl(textOption(reload, call, 'url') ?? '', '/v1/reload');
  const answer = await callApi<Report>(target, '{}', textOption(reload, call, 'key'));
  if (answer.result === undefined) throw notLoaded(answer);
  terminal.stdout.write(
    `${flags['json'] === true ? JSON.stringify(answer.result) : sentences(answer.result)}\n`,
  );
  return exitCodes.ok;
}

/** The request has nothing in it that could be wrong, so what is refused as bad is the config. */
function notLoaded(answer: ApiAnswer<Report>): CommandError {
  const { error } = answer;
  if (error?.code !== errorCodes.badRequest.code) return refused(answer);
  return new CommandError(error.message.replace(`${errorCodes.badRequest.message}: `, ''), exitCodes.config);
}

function sentences({ changed, restart, more = 0 }: Report): string {
  const lines: string[] = [];
  if (changed.length > 0) lines.push(`changed: ${changed.join(', ')}`);
  else if (restart.length === 0) lines.push('nothing has changed');
  if (restart.length > 0) lines.push(`needs a restart: ${restart.join(', ')}`);
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join('\n');
}
