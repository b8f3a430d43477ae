/** The native protocol, server side: reads commands, has them done in the right order, and answers. */
import {
  type Disconnect,
  disconnects,
  elementSlices,
  errorCodes,
  limits,
  memberSlice,
} from '@carillon/protocol';
import { anonymous } from './access.ts';
import { type Fields, isFields, type Outcome } from './command.ts';
import { Commands, type CommandsContext } from './commands.ts';
import type { Connection } from './connection.ts';
import type { ConnectRequest, SessionListener } from './entry.ts';
import { asReplyError, isApplications, ReplyError, refuse } from './errors.ts';
import { increment } from './figures.ts';
import type { Log } from './log.ts';
import { pauseReasons, Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { Welcome, type WelcomeContext } from './welcome.ts';

export interface ConversationContext extends CommandsContext, WelcomeContext {
  readonly sessions: SessionContext;
  readonly log: Log;
}

/** A reply, and what starts when it has been pushed. */
interface Answer {
  readonly text: string;
  begin?(): void;
}

/** Commands with an id run side by side, all others one after another; what follows an `auth` waits for it. */
export class Conversation implements SessionListener {
  readonly #session: Session;
  readonly #commands: Commands;
  readonly #context: ConversationContext;
  /** The end of the queue of commands that run one after another; undefined while none does. */
  #queue: Promise<void> | undefined;
  /** Authentications that are queued or under way. */
  #gates = 0;
  /** Publications in that queue: those with an id, which could run beside it, must not overtake them. */
  #publishes = 0;
  #pending = 0;
  #errorsInARow = 0;
  #refusedTokens = 0;

  constructor(id: string, connection: Connection, request: ConnectRequest, context: ConversationContext) {
    this.#context = context;
    const { address, device } = request;
    this.#session = new Session(id, connection, { identity: anonymous, address }, context.sessions);
    this.#session.device = device;
    this.#commands = new Commands(this.#session, context);
    new Welcome(this.#session, context, (run) => this.#enqueue(run, 0, true)).begin(request);
  }

  get session(): string {
    return this.#session.id;
  }

  received(json: string): void {
    const value = parse(json);
    if (Array.isArray(value) && value.every(isFields)) this.#runBatch(value, json);
    else if (isFields(value)) this.#runOne(value, json);
    else this.#refuseFrame('a frame is one JSON object, or an array of objects');
  }

  receivedBytes(): void {
    this.#refuseFrame('binary frames are not part of this protocol');
  }

  drained(): void {
    this.#session.drained();
  }

  closed(end?: Partial<Disconnect>): void {
    this.#session.closed(end);
  }

  #runOne(fields: Fields, json: string): void {
    const run = async (): Promise<void> => {
      const { text, begin } = await this.#answer(fields, json, 0);
      this.#session.send(text);
      begin?.();
    };
    this.#started(1);
    if (this.#isSideBySide(fields)) void run().then(() => this.#finished(1));
    else this.#enqueue(run, 1, isAuth(fields), isPublish(fields) ? 1 : 0);
  }

  #runBatch(batch: readonly Fields[], json: string): void {
    if (batch.length > limits.batchCommands) {
      this.#refuseFrame(`a batch may have ${limits.batchCommands} commands`);
      return;
    }
    const run = async (): Promise<void> => {
      const answers: Answer[] = [];
      let bytes = 0;
      for (const [index, { start }] of elementSlices(json).entries()) {
        const fields = batch[index] ?? {};
        const isFull = bytes > limits.historyPageBytes;
        const answer = await this.#answer(fields, json, start, isFull);
        bytes += answer.text.length;
        answers.push(answer);
      }
      this.#session.send(`[${answers.map(({ text }) => text).join(',')}]`);
      for (const { begin } of answers) begin?.();
    };
    this.#started(batch.length);
    this.#enqueue(run, batch.length, batch.some(isAuth), batch.filter(isPublish).length);
  }

  #isSideBySide(fields: Fields): boolean {
    const { id, op } = fields;
    if (id === undefined || this.#gates > 0 || inTurn.has(op) || showsToken(fields)) return false;
    return op !== 'publish' || this.#publishes === 0;
  }

  /** Runs after everything that was enqueued before. */
  #enqueue(run: () => Promise<void>, count: number, isGate: boolean, publishes = 0): void {
    if (isGate) this.#gates += 1;
    this.#publishes += publishes;
    const queue = (this.#queue === undefined ? run() : this.#queue.then(run)).then(() => {
      if (isGate) this.#gates -= 1;
      this.#publishes -= publishes;
      if (this.#queue === queue) this.#queue = undefined;
      this.#finished(count);
    });
    this.#queue = queue;
  }

  #started(count: number): void {
    this.#pending += count;
    if (this.#pending >= limits.pendingCommands) this.#session.pause(pauseReasons.busy);
  }

  #finished(count: number): void {
    const isFull = this.#pending >= limits.pendingCommands;
    this.#pending -= count;
    if (isFull && this.#pending < limits.pendingCommands) this.#session.resume(pauseReasons.busy);
  }

  /** `isFull`: so much has been answered in one frame that the command is refused. */
  async #answer(fields: Fields, json: string, start: number, isFull = false): Promise<Answer> {
    if (this.#session.isClosed) return { text: '' };
    let id = '';
    try {
      id = idText(fields, json, start);
      const { op } = fields;
      if (isFull) throw refuse('limitExceeded', 'the answer of the batch is full');
      if (typeof op !== 'string') throw refuse('badRequest', "'op' must be a string");
      const outcome = await this.#commands.run(op, fields, json, start);
      this.#errorsInARow = 0;
      if (showsToken(fields)) this.#refusedTokens = 0;
      return answer(outcome, id);
    } catch (error) {
      const refusal = this.#refusal(error, id);
      return showsToken(fields) && isUnauthorized(error, fields) ? this.#refusedToken(refusal) : refusal;
    }
  }

  /** Guessing has an end; the last refusal is still told. */
  #refusedToken(refusal: Answer): Answer {
    this.#refusedTokens += 1;
    if (this.#refusedTokens < limits.refusedTokens) return refusal;
    return { ...refusal, begin: () => this.#giveUp() };
  }

  #refusal(error: unknown, id: string): Answer {
    const { code, message } = asReplyError(error, this.#context.log);
    increment(this.#context.sessions.counters.errors, code);
    const text = `{${id}"code":${code},"msg":${JSON.stringify(message)}}`;
    return this.#isOneTooMany(code) ? { text, begin: () => this.#giveUp() } : { text };
  }

  /** A client that only makes mistakes is told to stop, when it has been told of the last one. */
  #isOneTooMany(code: number): boolean {
    if (code !== 104 && code !== 107) return false;
    this.#errorsInARow += 1;
    return this.#errorsInARow >= limits.consecutiveErrors;
  }

  #giveUp(): void {
    this.#session.close(disconnects.tooManyErrors);
  }

  /** The frame is no command at all: says so, and ends the connection. */
  #refuseFrame(detail: string): void {
    this.#session.send(this.#refusal(refuse('badRequest', detail), '').text);
    this.#session.close(disconnects.badRequest);
  }
}

/** Commands that take their turn even with an id: what they cost is not theirs alone, and one at a time is enough. */
const inTurn: ReadonlySet<unknown> = new Set(['history', 'presence']);

function isAuth({ op }: Fields): boolean {
  return op === 'auth';
}

function isPublish({ op }: Fields): boolean {
  return op === 'publish';
}

function showsToken({ op, token }: Fields): boolean {
  return op === 'auth' || op === 'refresh' || (op === 'subscribe' && token !== undefined);
}

const tokenFaults: ReadonlySet<number> = new Set([
  errorCodes.unauthorized.code,
  errorCodes.tokenExpired.code,
]);

function isUnauthorized(error: unknown, { op }: Fields): boolean {
  if (!(error instanceof ReplyError)) return false;
  // What a hook says of a subscribe is about the channel.
  return tokenFaults.has(error.code) || (op !== 'subscribe' && isApplications(error.code));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The id as it was written, ready to be put first into a reply; empty without one. */
function idText({ id }: Fields, json: string, start: number): string {
  if (id === undefined) return '';
  const isName = typeof id === 'string' && id.length <= limits.nameBytes;
  if (!isName && typeof id !== 'number') {
    throw refuse('badRequest', `'id' must be a number or a string of at most ${limits.nameBytes} characters`);
  }
  const slice = memberSlice(json, 'id', start);
  return slice === undefined ? '' : `"id":${json.slice(slice.start, slice.end)},`;
}

function answer({ full, short, begin }: Outcome, id: string): Answer {
  const text = `{${id}"result":${id === '' ? short : full}}`;
  return begin === undefined ? { text } : { text, begin };
}
