/** What a thread of hooks runs: it loads the module, says what it found, and answers calls until it is ended. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { fileStamp } from '../file-stamp.ts';
import { collectText, endText, type Notice, type Signals, type ThreadData } from '../messages.ts';
import { Calls } from './calls.ts';
import { sentenceOf } from './fault.ts';
import { Helpers } from './helpers.ts';
import { LoadFault, loadHooks } from './load.ts';
import { Outbox } from './outbox.ts';

const { path, kind, generation, running } = workerData as ThreadData;
/** Which hook a continuation belongs to. */
const scope = new AsyncLocalStorage<string>();
const folder = dirname(path);
const exit = process.exit.bind(process);

const say = (message: Notice | Signals): void => parentPort?.postMessage(message);
const currentHook = (): string => scope.getStore() ?? '';

reportFaults();
try {
  const hooks = await loadHooks({ path, kind }, (file) =>
    say({ type: 'file', path: file, stamp: fileStamp(file) }),
  );
  const outbox = new Outbox(say);
  const helpers = new Helpers({ generation, outbox, say, currentHook });
  const slot = new Int32Array(running);
  const calls = new Calls({ hooks: hooks.functions, helpers, outbox, slot, scope, folder });
  parentPort?.on('message', (text: string) => {
    if (text === endText) exit(0);
    if (text === collectText) collect();
    else calls.received(text);
  });
  say({ type: 'loaded', hooks: hooks.text });
} catch (error) {
  say({
    type: 'unloadable',
    sentence: error instanceof LoadFault ? error.message : sentenceOf(error, folder),
  });
}

/** What is left then is in use. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  say({ type: 'collected' });
}

/** What no call answers for. The thread lives on until another has taken its place. */
function reportFaults(): void {
  const report = (what: string, error: unknown): void =>
    say({ type: 'fault', hook: currentHook(), sentence: `${what}: ${sentenceOf(error, folder)}` });
  process.on('unhandledRejection', (error) => report('a promise was rejected and nobody caught it', error));
  process.on('uncaughtException', (error) => report('an error was thrown and nobody caught it', error));
  process.exit = (code?: number | string | null): never => {
    const place = new Error(`process.exit(${code ?? ''})`);
    say({ type: 'exit', hook: currentHook(), sentence: sentenceOf(place, folder).replace(/^Error: /, '') });
    return exit(code);
  };
}
