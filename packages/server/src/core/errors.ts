/** How the core says no to a command. */
import { type ErrorName, errorCodes } from '@carillon/protocol';

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
