/** The two ways the core says no: a refused command, and an ended connection. */
import { type Disconnect, type ErrorName, errorCodes } from '@carillon/protocol';

/** A command is refused; its connection lives. Becomes an error reply, or an HTTP status and error body. */
export class ReplyError extends Error {
  readonly code: number;
  /** The HTTP status that carries the refusal on the server API. */
  readonly status: number;

  constructor(code: number, message: string, status: number) {
    super(message);
    this.name = 'ReplyError';
    this.code = code;
    this.status = status;
  }
}

/** Refuses with one of Carillon's own codes; `detail` is the sentence that names field, limit and remedy. */
export function refuse(name: ErrorName, detail?: string): ReplyError {
  const { code, message, status } = errorCodes[name];
  return new ReplyError(code, detail === undefined ? message : `${message}: ${detail}`, status);
}

/** A connection must end; thrown where a command proves that its sender does not speak the protocol. */
export class DisconnectError extends Error {
  readonly disconnect: Disconnect;

  constructor(disconnect: Disconnect) {
    super(disconnect.reason);
    this.name = 'DisconnectError';
    this.disconnect = disconnect;
  }
}
