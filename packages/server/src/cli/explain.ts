/** What `carillon check --explain` prints: what a client may do in one channel, and why. */
import { channelNameFault } from '@carillon/protocol';
import type { Settings } from '../config/settings.ts';
import { type Call, columns, type Option, usage } from './command.ts';

export const explainOptions: Readonly<Record<string, Option>> = {
  explain: {
    type: 'string',
    placeholder: 'CHANNEL',
    sentence: 'Print instead what a client may do in this channel, which rule decides that, and why.',
  },
  user: {
    type: 'string',
    placeholder: 'U',
    sentence: 'With --explain: the user; absent, a client without one.',
  },
  'token-channel': {
    type: 'string',
    placeholder: 'C',
    sentence: 'With --explain: a name or pattern that its token lists; may be repeated.',
  },
};

/** Undefined where nobody asks for it. @throws {CommandError} 64 what cannot be asked. */
export function explainQuestion(
  call: Call,
):
  | { readonly channel: string; readonly user?: string; readonly tokenChannels?: readonly string[] }
  | undefined {
  const { flags, lists } = call;
  const { explain, user } = flags;
  const tokenChannels = lists['token-channel'];
  if (typeof explain !== 'string') {
    const other = ['user', 'token-channel'].find((name) => flags[name] !== undefined);
    if (other !== undefined) throw usage(`'--${other}' goes with --explain CHANNEL`);
    return undefined;
  }
  if (explain === '@user' && typeof user !== 'string') throw usage("'--explain @user' needs --user U");
  const channel = explain === '@user' ? `user:${String(user)}` : explain;
  const fault = channelNameFault(channel);
  if (fault !== undefined) throw usage(`'--explain' ${fault}`);
  return {
    channel,
    ...(typeof user === 'string' && { user }),
    ...(tokenChannels !== undefined && { tokenChannels }),
  };
}

/** Asks the rules of a config. */
export async function explainText(
  settings: Settings,
  question: NonNullable<ReturnType<typeof explainQuestion>>,
  asJson: boolean,
): Promise<string> {
  const { explainChannel } = await import('../server.ts');
  const found = explainChannel(settings, question);
  if (asJson) return `${JSON.stringify({ ...question, ...found }, undefined, 2)}\n`;
  const { rule, parts, others, verdicts, keeps } = found;
  const named = Object.entries(parts).map(([name, value]) => `{${name}} is '${value}'`);
  const decides =
    rule === undefined ? 'none' : `'${rule}'${named.length === 0 ? '' : `, where ${named.join(', ')}`}`;
  const words: Readonly<Record<string, string>> = { true: 'yes', false: 'no', hook: 'hook' };
  const rows = verdicts.map(({ action, allowed, why }) => [action, words[String(allowed)] ?? '', why]);
  return `${columns([
    ['channel', question.channel],
    ['client', clientText(question)],
    ['rule', decides],
    ...(others.length === 0
      ? []
      : [['', `less specific: ${others.map((pattern) => `'${pattern}'`).join(', ')}`]]),
    ['keeps', keeps.join('; ')],
  ])}\n\n${columns(rows)}\n`;
}

function clientText({ user, tokenChannels }: NonNullable<ReturnType<typeof explainQuestion>>): string {
  if (user === undefined && tokenChannels === undefined) return 'without a token';
  const name = user === undefined ? 'a token without a user' : `the user '${user}'`;
  return tokenChannels === undefined
    ? name
    : `${name}, whose token lists ${tokenChannels.map((one) => `'${one}'`).join(', ')}`;
}
