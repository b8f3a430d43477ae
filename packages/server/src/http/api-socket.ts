/** `GET /v1/ws`: the methods of the server API on one WebSocket, many at a time. */
import { disconnects, limits, memberSlice, nearest } from '@carillon/protocol';
import type { Connection, ConnectionListener } from '../core/connection.ts';
import { type ReplyError, refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { asRefusal } from './answer.ts';
import type { ApiCounters } from './api/counters.ts';
import type { ApiMethod, Verbs } from './api/method.ts';
import { refuseFaults } from './api/validate.ts';
import {
  carillonShape,
  connmixShape,
  type Fields,
  idText,
  methodName,
  type Shape,
  shapeOf,
} from './api-socket-frame.ts';
import { parseBody } from './json-text.ts';
import type { ShownKey } from './keys.ts';

export interface ApiSocketContext {
  readonly methods: ReadonlyMap<string, ApiMethod>;
  /** In the shapes of connmix. */
  readonly meshMethods: ReadonlyMap<string, ApiMethod>;
  readonly verbs: Verbs;
  readonly counters: ApiCounters;
  readonly log: Log;
}

/** Methods whose answers may be large: one at a time, so that an id does not multiply what waits for a slow reader. */
const inTurn: ReadonlySet<string> = new Set([
  'batch',
  'broadcast',
  'history',
  'inbox_list',
  'channels',
  'sessions',
  'groups',
  'group',
  'context_get',
]);

/** Text of requests that await an answer, and of answers that await the reader; beyond it nothing is read. */
const gatheredBytes = limits.outboxBytes;

/** Requests with an id run side by side, all others one after another. All begin in the order of their coming. */
export class ApiSocket implements ConnectionListener {
  readonly #connection: Connection;
  readonly #context: ApiSocketContext;
  readonly #key: ShownKey | undefined;
  #queue: Promise<void> = Promise.resolve();
  #pending = 0;
  #pendingBytes = 0;
  #answers: Buffer[] = [];
  #answerBytes = 0;
  #isFlushing = false;
  #isBlocked = false;
  #isPaused = false;
  #isClosed = false;
  /** Waits for room to answer; at most one does. */
  #waiting: (() => void) | undefined;

  /** `key`: whose holder speaks; undefined where none is needed. */
  constructor(connection: Connection, context: ApiSocketContext, key?: ShownKey) {
    this.#connection = connection;
    this.#context = context;
    this.#key = key;
  }

  received(json: string): void {
    if (this.#isClosed) return;
    if (this.#key?.isGone === true) {
      this.#connection.close(disconnects.invalidToken);
      return;
    }
    let fields: unknown;
    try {
      fields = json === '' ? undefined : parseBody(json);
    } catch (error) {
      this.#end(asRefusal(error, this.#context.log, '/v1/ws'));
      return;
    }
    if (isFields(fields)) this.#take(fields, json);
    else this.#end(refuse('badRequest', 'a frame is one JSON object; several requests are several frames'));
  }

  receivedBytes(): void {
    this.#end(refuse('badRequest', 'a frame is text, one JSON object'));
  }

  drained(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  closed(): void {
    this.#isClosed = true;
    this.#answers = [];
    this.#wake();
  }

  #take(fields: Fields, json: string): void {
    const shape = shapeOf(fields);
    const name = fields[shape.method];
    this.#pending += 1;
    this.#pendingBytes += json.length;
    this.#regulate();
    const done = (text: string): void => {
      this.#pending -= 1;
      this.#pendingBytes -= json.length;
      this.#answer(text);
      this.#regulate();
    };
    const isSideBySide = fields[shape.id] !== undefined && !inTurn.has(String(name));
    if (isSideBySide) void this.#run(fields, json, shape).then(done);
    else {
      this.#queue = this.#queue.then(async () => {
        if (inTurn.has(String(name))) await this.#room();
        done(this.#isClosed ? '' : await this.#run(fields, json, shape));
      });
    }
  }

  /** Never rejects. What it publishes is published before it returns. */
  async #run(fields: Fields, json: string, shape: Shape): Promise<string> {
    const { counters, log, verbs } = this.#context;
    let id: string | undefined;
    let counted = 'unknown';
    try {
      id = idText(fields, json, shape);
      const method = this.#method(fields, shape);
      counted = method.name;
      const params = fields[shape.params] ?? {};
      const start = memberSlice(json, shape.params)?.start ?? json.length;
      const prepared = method.prepare(params, { json, start }, verbs, this.#key?.grant);
      if (typeof prepared !== 'function') throw refuseFaults(prepared);
      const text = await prepared();
      counters.count(counted, 200);
      return shape.result(id, text);
    } catch (error) {
      const refusal = asRefusal(error, log, `/v1/ws ${counted}`);
      counters.count(counted, refusal.status);
      return shape.error(id, refusal);
    }
  }

  #method(fields: Fields, shape: Shape): ApiMethod {
    const name = methodName(fields, shape);
    const { methods, meshMethods } = this.#context;
    const table = shape === connmixShape ? meshMethods : methods;
    const method = table.get(name);
    if (method !== undefined) return method;
    const meant = nearest(name, table.keys());
    const hint =
      meant === undefined ? `known are ${[...table.keys()].join(', ')}` : `did you mean '${meant}'?`;
    throw refuse('unknownMethod', hint);
  }

  /** Answers of one turn of the event loop leave together. */
  #answer(text: string): void {
    if (this.#isClosed) return;
    const frame = this.#connection.wire.message(text);
    this.#answers.push(frame);
    this.#answerBytes += frame.length;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#isBlocked && this.#answers.length > 0) {
      const bytes = Buffer.concat(this.#answers, this.#answerBytes);
      this.#answers = [];
      this.#answerBytes = 0;
      this.#isBlocked = !this.#connection.write(bytes);
    }
    if (!this.#isBlocked) this.#wake();
    this.#regulate();
  }

  /** Resolves when what was answered has left, or nobody is there any more. */
  #room(): Promise<void> {
    if (this.#isClosed || (!this.#isBlocked && this.#answerBytes < limits.joinedWriteBytes))
      return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #wake(): void {
    const wake = this.#waiting;
    this.#waiting = undefined;
    wake?.();
  }

  #regulate(): void {
    if (this.#isClosed) return;
    const most = this.#isPaused ? limits.pendingCommands / 2 : limits.pendingCommands;
    const isFull =
      this.#isBlocked || this.#pending >= most || this.#pendingBytes + this.#answerBytes >= gatheredBytes;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#connection.pause();
    else this.#connection.resume();
  }

  /** The frame is no request at all: says so, and ends the connection. */
  #end(refusal: ReplyError): void {
    if (this.#isClosed) return;
    this.#answer(carillonShape.error(undefined, refusal));
    this.#flush();
    this.#isClosed = true;
    this.#connection.close(disconnects.badRequest);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
