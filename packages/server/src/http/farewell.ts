/** How an HTTP server stops accepting without breaking connections: those that wait to be accepted, and those kept for a next request. */
import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';

/** An idle connection that is closed breaks the request that is on its way on it; one in use is closed by its next answer. */
const idleMs = 250;
const sweepMs = 50;

/** How long a server looks for a good moment to close its listener, and how short a turn of the loop is that makes one: at first, and at last. */
const patienceMs = 200;
const shortestTurnMs = 0.03;
const longestTurnMs = 1;

export class Farewell {
  readonly #server: Server;
  #accepted = 0;
  #isLeaving = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', () => {
      this.#accepted += 1;
    });
  }

  /** For each request, before it is answered. */
  answering(res: ServerResponse): void {
    if (this.#isLeaving) res.setHeader('Connection', 'close');
  }

  /** Resolves when every connection is gone; requests that are still open after `graceMs` are cut. */
  async take(graceMs: number): Promise<void> {
    this.#isLeaving = true;
    const sweepAt = performance.now() + Math.min(idleMs, graceMs / 4);
    const sweep = setInterval(() => {
      if (performance.now() >= sweepAt) this.#server.closeIdleConnections();
    }, sweepMs);
    const cut = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await new Promise<void>((resolve) => this.#atGoodMoment(resolve));
    clearInterval(sweep);
    clearTimeout(cut);
    // Ends what node:http has beyond its listener.
    this.#server.close();
  }

  /**
   * Closes the listener when nobody waits to be accepted. The system resets connections that wait at a listener that closes, and
   * where several processes share an address, each listener has its own that wait. All who wait are accepted at one point of each
   * turn of the loop: right after a turn that was short and accepted nobody, hardly anybody can have come. `gone`: when its
   * connections are.
   */
  #atGoodMoment(gone: () => void): void {
    const startedAt = performance.now();
    const look = (before: number, since: number): void => {
      const now = performance.now();
      const waited = (now - startedAt) / patienceMs;
      const isShort = now - since <= shortestTurnMs + (longestTurnMs - shortestTurnMs) * waited;
      const isCalm = this.#accepted === before && isShort;
      // That of node:http would cut idle connections now.
      if (isCalm || waited >= 1) NetServer.prototype.close.call(this.#server, gone);
      else setImmediate(look, this.#accepted, now);
    };
    setImmediate(look, this.#accepted, startedAt);
  }
}
