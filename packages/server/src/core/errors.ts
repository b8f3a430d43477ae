/** How the core says no to a command. */
import { type Disconnect, disconnects, type ErrorName, errorCodes } from '@carillon/protocol';

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

/** The application's own refusal: `code` is 400 to 1999. Over HTTP it is 403. */
export function refusedByHook(code: number, message: string): ReplyError {
  return new ReplyError(code, message, 403);
}

/** The end of a connection that was not permitted something: the application's own words are the reason. */
export function refusedEnd({ code, message }: ReplyError): Disconnect {
  const { permissionDenied } = disconnects;
  return code < 400 ? permissionDenied : { code: permissionDenied.code, reason: message };
}

/** Refuses with one of Carillon's own codes; `detail` is the sentence that names field, limit and remedy. */
export function refuse(name: ErrorName, detail?: string): ReplyError {
  const { code, message, status } = errorCodes[name];
  return new ReplyError(code, detail === undefined ? message : `${message}: ${detail}`, status);
}
