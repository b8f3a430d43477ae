/** A transport whose other end is the test itself, frame by frame. */
import type { Transport, TransportCallbacks, TransportConnection, TransportName } from '../transport.ts';

/** A command as the client sent it. */
export interface SentCommand {
  readonly id?: number;
  readonly op: string;
  readonly [field: string]: unknown;
}

export class ScriptedConnection implements TransportConnection {
  readonly sent: SentCommand[] = [];
  readonly callbacks: TransportCallbacks;
  closed = false;

  constructor(callbacks: TransportCallbacks) {
    this.callbacks = callbacks;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  /** The last command of that kind. */
  command(op: string): SentCommand {
    const command = this.sent.findLast((each) => each.op === op);
    if (command === undefined) throw new Error(`no ${op} was sent`);
    return command;
  }

  receive(...frames: readonly object[]): void {
    for (const frame of frames) this.callbacks.received(JSON.stringify(frame));
  }

  /** Answers the last command of that kind. */
  answer(op: string, result: unknown = {}): void {
    this.receive({ id: this.command(op).id, result });
  }

  /** Refuses it. */
  refuse(op: string, code: number, msg = 'refused'): void {
    this.receive({ id: this.command(op).id, code, msg });
  }
}

export class ScriptedTransport implements Transport {
  readonly name: TransportName = 'websocket';
  readonly connections: ScriptedConnection[] = [];

  open(_url: string, callbacks: TransportCallbacks): TransportConnection {
    const connection = new ScriptedConnection(callbacks);
    this.connections.push(connection);
    return connection;
  }

  /** The newest connection. */
  get last(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nothing was opened');
    return connection;
  }
}
