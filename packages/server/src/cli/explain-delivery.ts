/** `carillon explain`: what became of a publication for a user, as the running server remembers it. */
import { callApi, refused } from './api.ts';
import { type Call, type Command, columns, textOption, usage } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { httpUrl, targetOptions } from './target.ts';

const { url, key } = targetOptions;

export const explainDelivery: Command = {
  name: 'explain',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Tells what became of a publication for a user: when it came in, to which sessions it was written, or why to none.',
    'Ends with 0 when it was acknowledged or written, with 1 when not. What may be in a channel at all is told by `check --explain`.',
  ],
  options: {
    url,
    key,
    channel: { type: 'string', placeholder: 'C', sentence: 'The channel; required.' },
    user: { type: 'string', placeholder: 'U', sentence: 'Whom it was for.' },
    session: {
      type: 'string',
      placeholder: 'S',
      sentence: 'Instead of --user: one session, which may be over.',
    },
    offset: { type: 'string', placeholder: 'N', sentence: 'Of the publication; absent: the newest.' },
    epoch: { type: 'string', placeholder: 'E', sentence: 'Of the offset; absent: that of the channel now.' },
    json: { type: 'boolean', sentence: 'Print JSON.' },
  },
  examples: [
    'explain --user 1001 --channel order:42',
    'explain --user 1001 --channel order:42 --offset 17 --json',
  ],
  run: runExplain,
};

interface Report {
  readonly channel: string;
  readonly user?: string;
  readonly session?: string;
  readonly epoch?: string;
  readonly offset?: number;
  readonly verdict: string;
  readonly summary: string;
  readonly sessions: readonly {
    readonly session: string;
    readonly worker: number;
    readonly outcome: string;
    readonly says: string;
  }[];
  readonly timeline: readonly { readonly at: string; readonly worker?: number; readonly says: string }[];
  readonly notes: readonly string[];
}

async function runExplain(call: Call): Promise<number> {
  const { flags, terminal } = call;
  const question = questionOf(call);
  const target = httpUrl(textOption(explainDelivery, call, 'url') ?? '', '/v1/explain');
  const answer = await callApi<Report>(
    target,
    JSON.stringify(question),
    textOption(explainDelivery, call, 'key'),
  );
  if (answer.result === undefined) throw refused(answer);
  const { result } = answer;
  terminal.stdout.write(flags['json'] === true ? `${JSON.stringify(result)}\n` : reportText(result));
  return good.has(result.verdict) ? exitCodes.ok : exitCodes.failed;
}

const good: ReadonlySet<string> = new Set(['acknowledged', 'written']);

/** @throws {CommandError} 64 */
function questionOf({ flags }: Call): object {
  const { channel, user, session, offset, epoch } = flags;
  if (typeof channel !== 'string') throw usage("'--channel C' is required");
  if ((typeof user === 'string') === (typeof session === 'string')) {
    throw usage("give either '--user U' or '--session S'");
  }
  if (offset !== undefined && !/^[1-9]\d{0,15}$/.test(String(offset))) {
    throw usage("'--offset' must be a whole number from 1 on");
  }
  if (epoch !== undefined && offset === undefined) throw usage("'--epoch' goes with '--offset N'");
  return { channel, user, session, epoch, ...(offset !== undefined && { offset: Number(offset) }) };
}

function reportText({
  channel,
  user,
  session,
  epoch,
  offset,
  summary,
  sessions,
  timeline,
  notes,
}: Report): string {
  const isSpread = new Set([...sessions, ...timeline].map(({ worker }) => worker ?? -1)).size > 2;
  const at = (worker: number | undefined): string[] =>
    isSpread ? [worker === undefined ? '' : `worker ${worker}`] : [];
  const head = [
    ['channel', channel],
    user === undefined ? ['session', session ?? ''] : ['user', user],
    [
      'publication',
      offset === undefined ? 'the newest, without an offset' : `offset ${offset}, epoch ${epoch}`,
    ],
  ];
  const parts = [columns(head), summary];
  if (sessions.length > 0) {
    parts.push(columns(sessions.map((each) => [...at(each.worker), each.session, each.outcome, each.says])));
  }
  if (timeline.length > 0)
    parts.push(columns(timeline.map((each) => [each.at, ...at(each.worker), each.says])));
  if (notes.length > 0) parts.push(notes.map((note) => `Note: ${note}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}
