/** `carillon connect`: a conversation with a WebSocket, frame by frame, on a terminal or through pipes. */
import { createInterface } from 'node:readline';
import { type Call, type Command, textOption, usage } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openSocket } from './socket.ts';
import { targetOptions, webSocketUrl } from './target.ts';

export const connect: Command = {
  name: 'connect',
  positionals: 'URL',
  arity: { min: 1, max: 1 },
  about: [
    'Opens a WebSocket, sends each line of standard input as a frame (>), and prints each frame that arrives (<).',
    'Ends when the server closes, with its code and reason, or some time after the end of the input.',
    'A URL without a path means the native protocol at /ws.',
  ],
  options: {
    token: targetOptions.token,
    wait: {
      type: 'string',
      placeholder: 'SECONDS',
      sentence: 'How long to wait for frames after the end of the input.',
      default: '1',
    },
  },
  examples: ['connect ws://127.0.0.1:6790/ws', `connect 127.0.0.1:6790 < commands.txt`],
  run: runConnect,
};

async function runConnect(call: Call): Promise<number> {
  const { positionals, terminal } = call;
  const waitMs = Number(textOption(connect, call, 'wait')) * 1_000;
  if (!(waitMs >= 0 && waitMs <= 86_400_000)) throw usage("'--wait' must be a number of seconds");
  const url = webSocketUrl(positionals[0] ?? '');
  const token = textOption(connect, call, 'token');
  // In the address and not in the list of protocols: a server need not answer that.
  if (token !== undefined) url.searchParams.set('token', token);
  const socket = await openSocket(url);
  socket.binaryType = 'arraybuffer';
  const { stdin, stdout } = terminal;
  const interactive = stdin.isTTY === true;
  const lines = createInterface({ input: stdin, ...(interactive ? { output: stdout, prompt: '> ' } : {}) });
  const show = (text: string): void => {
    if (interactive) stdout.write('\r\u001b[K');
    stdout.write(`${text}\n`);
    if (interactive) lines.prompt(true);
  };
  return await new Promise<number>((resolve) => {
    socket.addEventListener('message', ({ data }) => show(`< ${frameText(data)}`));
    socket.addEventListener('close', ({ code, reason }) => {
      lines.close();
      stdin.destroy();
      stdout.write(`closed: ${code} ${reason}`.trimEnd().concat('\n'));
      resolve(exitCodes.ok);
    });
    lines.on('line', (line) => {
      if (line === '' || socket.readyState !== WebSocket.OPEN) return;
      if (!interactive) stdout.write(`> ${line}\n`);
      socket.send(line);
      if (interactive) lines.prompt();
    });
    lines.on('close', () => setTimeout(() => socket.close(1000), interactive ? 0 : waitMs));
    if (interactive) lines.prompt();
  });
}

function frameText(data: unknown): string {
  if (typeof data === 'string') return data;
  const bytes = Buffer.from(data as ArrayBuffer);
  return `${bytes.length} bytes ${bytes.toString('base64')}`;
}
