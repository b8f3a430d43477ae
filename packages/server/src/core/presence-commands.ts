/** The commands `presence` and `presence_stats`. */
import { type CommandHandler, type CommandRequest, channelField } from './command.ts';
import { type Presence, presenceText } from './presence.ts';
import type { Rules } from './rules.ts';

/** By `op`. */
export function presenceCommands(
  presence: Pick<Presence, 'list' | 'stats'>,
  rules: Rules,
): [string, CommandHandler][] {
  const admitted = async ({ session, fields }: CommandRequest): Promise<string> => {
    const { channel } = channelField(fields, session.user);
    rules.check('readPresence', channel, session);
    return channel;
  };
  const list: CommandHandler = async (request) => {
    const { session } = request;
    const channel = await admitted(request);
    // A client that does not read its answers must not make the server hold many of them.
    await session.writable();
    const text = presenceText(await presence.list(channel, session.subscribed(channel)));
    return { full: text, short: text };
  };
  const stats: CommandHandler = async (request) => {
    const text = JSON.stringify(await presence.stats(await admitted(request)));
    return { full: text, short: text };
  };
  return [
    ['presence', list],
    ['presence_stats', stats],
  ];
}
