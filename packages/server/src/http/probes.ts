/** `/healthz`, `/readyz`, `/metrics`: what an orchestrator and a monitor ask. */
import type { Log } from '../core/log.ts';
import { asRefusal, errorText, send, sendJson } from './answer.ts';
import type { Endpoint } from './exchange.ts';

/** The metrics, as text, with their content type. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

const fresh = ['Cache-Control', 'no-store'];

/** Says that the process lives, and nothing else. */
export const healthz: Endpoint = {
  verb: 'GET',
  cors: true,
  handle: ({ res }) => sendJson(res, 200, '{"status":"ok"}', fresh),
};

/**
 * Says whether a publication comes back through the broker and every worker.
 *
 * @param probe Resolves when one did; rejects, within a few seconds, with what is slow. Requests that come together share one probe.
 */
export function readyz(probe: () => Promise<void>, log: Log): Endpoint {
  let running: Promise<void> | undefined;
  return {
    verb: 'GET',
    cors: true,
    async handle({ res }) {
      try {
        running ??= probe().finally(() => {
          running = undefined;
        });
        await running;
        sendJson(res, 200, '{"status":"ok"}', fresh);
      } catch (error) {
        const refusal = asRefusal(error, log, '/readyz');
        sendJson(res, 503, `{"status":"unavailable",${errorText(refusal).slice(1)}`, fresh);
      }
    },
  };
}

export function metrics(source: MetricsText): Endpoint {
  return {
    verb: 'GET',
    cors: true,
    handle: async ({ res }) => send(res, 200, source.contentType, await source.text(), fresh),
  };
}

/** A document that never changes; written when it is first asked for. */
export function document(write: () => string): Endpoint {
  let text: string | undefined;
  return {
    verb: 'GET',
    cors: true,
    handle: ({ res }) => {
      text ??= write();
      sendJson(res, 200, text);
    },
  };
}
