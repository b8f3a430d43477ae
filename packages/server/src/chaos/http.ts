/** Requests over HTTP on loopback, for those who must know exactly what was answered. */
import { type Agent, type IncomingMessage, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Asked {
  readonly port: number;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long the answer may take, to its end. */
  readonly timeoutMs: number;
  readonly agent?: Agent;
}

/** A whole answer is larger than this only where something is wrong. */
const mostCharacters = 64 * 1024 * 1024;

/** Resolves with the whole answer; undefined where it did not come, or not to its end. */
export function ask(asked: Asked): Promise<Answer | undefined> {
  const { timeoutMs, body } = asked;
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', agent: false, ...asked });
    const timer = setTimeout(() => sent.destroy(), timeoutMs);
    const finish = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    let isAnswered = false;
    sent.on('error', () => finish(undefined));
    sent.on('close', () => {
      // With an answer it may come before the answer's own end.
      if (!isAnswered) finish(undefined);
    });
    sent.on('response', (response) => {
      isAnswered = true;
      const status = response.statusCode ?? 0;
      void wholeText(response).then((text) => finish(text === undefined ? undefined : { status, text }));
    });
    sent.end(body);
  });
}

/** Whether something answers with 200. */
export async function get(port: number, path: string, timeoutMs: number): Promise<boolean> {
  return (await ask({ port, path, timeoutMs }))?.status === 200;
}

function wholeText(response: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
      if (text.length > mostCharacters) response.destroy();
    });
    response.on('close', () => resolve(response.complete ? text : undefined));
    response.on('error', () => {});
  });
}
