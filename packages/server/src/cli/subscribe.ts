/** `carillon subscribe`: prints what arrives in channels. */
import {
  compactSlice,
  errorCodes,
  type Command as Frame,
  memberSlice,
  type Reply,
  type ServerEvent,
  type SubscribeResult,
} from '@carillon/protocol';
import { type Call, type Command, numberOption, textOption, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { openSocket } from './socket.ts';
import { targetOptions, webSocketUrl } from './target.ts';

const { url, token } = targetOptions;

export const subscribe: Command = {
  name: 'subscribe',
  positionals: 'CHANNEL...',
  arity: { min: 1, max: 128 },
  about: [
    'Subscribes to channels and prints each event on a line: channel, offset (- without history) and data.',
    'Ends with 69 when the connection ends, and with 1 when a subscription is refused.',
  ],
  options: {
    url,
    token,
    since: {
      type: 'string',
      placeholder: 'EPOCH:OFFSET',
      sentence: 'Begin with what came after this position; for one channel.',
    },
    last: {
      type: 'string',
      placeholder: 'N',
      sentence: 'Begin with the newest N publications that are kept.',
    },
    count: { type: 'string', placeholder: 'N', sentence: 'End after N publications.' },
    json: { type: 'boolean', sentence: 'Print each event as the JSON that arrived.' },
  },
  examples: [
    'subscribe room:lobby',
    'subscribe room:lobby --last 10',
    'subscribe news:tech --count 1 --json',
  ],
  run: runSubscribe,
};

async function runSubscribe(call: Call): Promise<number> {
  const commands = firstCommands(call, textOption(subscribe, call, 'token'));
  const left = numberOption(call, 'count');
  if (left === 0) throw usage("'--count' must be at least 1");
  const socket = await openSocket(webSocketUrl(textOption(subscribe, call, 'url') ?? ''));
  for (const command of commands) socket.send(JSON.stringify(command));
  return await new Promise<number>((resolve, reject) => {
    const reader = new Reader(call, left);
    const read = ({ data }: MessageEvent): void => {
      try {
        if (!reader.read(String(data))) return;
        resolve(exitCodes.ok);
      } catch (error) {
        reject(error);
      }
      // More may have come in the same turn; nothing is printed behind the end.
      socket.removeEventListener('message', read);
    };
    socket.addEventListener('message', read);
    socket.addEventListener('close', ({ code, reason }) => {
      reject(new CommandError(`the connection ended: ${code} ${reason}`.trimEnd(), exitCodes.unavailable));
    });
  }).finally(() => socket.close(1000));
}

function firstCommands({ positionals, flags, ...call }: Call, clientToken: string | undefined): Frame[] {
  const { since } = flags;
  const last = numberOption({ positionals, flags, ...call }, 'last');
  if (since !== undefined && positionals.length > 1)
    throw usage("'--since' is for one channel; subscribe to one");
  const begin = {
    ...(typeof since === 'string' ? { since: position(since) } : {}),
    ...(last === undefined ? {} : { last }),
  };
  const auth: Frame[] = clientToken === undefined ? [] : [{ id: 'auth', op: 'auth', token: clientToken }];
  return [
    ...auth,
    ...positionals.map((channel): Frame => ({ id: channel, op: 'subscribe', channel, ...begin })),
  ];
}

function position(text: string): { epoch: string; offset: number } {
  const [, epoch, offset] = /^(.+):(\d{1,15})$/.exec(text) ?? [];
  if (epoch === undefined) throw usage(`'--since' must be EPOCH:OFFSET, but is '${text}'`);
  return { epoch, offset: Number(offset) };
}

class Reader {
  readonly #call: Call;
  #left: number | undefined;

  constructor(call: Call, count: number | undefined) {
    this.#call = call;
    this.#left = count;
  }

  /** Prints what a frame says; true when enough has arrived. @throws {CommandError} a command was refused. */
  read(text: string): boolean {
    const message = JSON.parse(text) as Reply | ServerEvent;
    if ('event' in message) return this.#event(text, message);
    if ('code' in message) {
      const what = message.id === 'auth' ? 'the token' : `the subscription to ${message.id}`;
      throw new CommandError(
        `the server refused ${what}: ${message.msg} (${message.code})${hintFor(message.code)}`,
        exitCodes.failed,
      );
    }
    if (message.id !== 'auth') this.#subscribed(message.result as SubscribeResult);
    return false;
  }

  #subscribed({ channel, epoch, offset, recovered }: SubscribeResult): void {
    const { flags, terminal } = this.#call;
    const at = epoch === undefined ? '' : ` at ${epoch}:${offset}`;
    const lost =
      flags['since'] !== undefined && !recovered ? '; what came after --since is not all there any more' : '';
    terminal.stderr.write(`subscribed to ${channel}${at}${lost}\n`);
  }

  #event(text: string, message: ServerEvent): boolean {
    const { flags, terminal } = this.#call;
    terminal.stdout.write(flags['json'] === true ? `${text}\n` : `${describe(text, message)}\n`);
    if ('type' in message && message.type === 'unsubscribed') {
      throw new CommandError(
        `the server ended the subscription: ${message.msg} (${message.code})`,
        exitCodes.failed,
      );
    }
    if ('type' in message || this.#left === undefined) return false;
    this.#left -= 1;
    return this.#left === 0;
  }
}

/** The data is printed as it came, so that no number changes on the way. */
function describe(text: string, message: ServerEvent): string {
  if ('type' in message) return `${message.event} ${message.type}${detail(message)}`;
  const data = memberSlice(text, 'data');
  return `${message.event} ${message.offset ?? '-'} ${data === undefined ? '' : compactSlice(text, data)}`;
}

function detail(message: Extract<ServerEvent, { type: string }>): string {
  if (message.type === 'gap') return message.from === undefined ? '' : ` ${message.from}-${message.to}`;
  if (message.type === 'join' || message.type === 'leave')
    return ` ${message.member.user} ${message.member.session}`;
  return '';
}

/** The way out, where there is one that the reader may not know. */
function hintFor(code: number): string {
  if (code === errorCodes.notAuthenticated.code) {
    return "; show who you are with --token, or have the server admit anyone ('auth.anonymous' and a rule for 'anyone')";
  }
  return code === errorCodes.unknownChannel.code ? "; no rule in 'channels' of the config matches it" : '';
}
