/** One HTTP server on one address: its time limits, its count of sockets, what it says to bytes that are no request, its end. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { limits } from '@carillon/protocol';
import type { AddressLimit } from './address-limit.ts';
import { HttpError, refuseSocket } from './answer.ts';
import { announcesTooMuch } from './body.ts';
import { Farewell } from './farewell.ts';
import { isWebSocket, type Router } from './router.ts';

export interface ListenerOptions {
  readonly router: Router;
  readonly limit: AddressLimit;
  /** A body that announces more is refused before the client is told to go on (`Expect: 100-continue`). */
  readonly bodyBytes: number;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Other processes may listen there, too: each gets a part of the connections. */
  readonly reusePort?: boolean;
}

/** A client that is slower than these is no client. They end with the request, so no stream and no WebSocket is cut. */
const requestTimes = {
  headersTimeout: limits.requestHeadMs,
  requestTimeout: limits.requestMs,
  connectionsCheckingInterval: 2_000,
};
/** A burst of clients that come back at once waits here; the kernel's own limit still applies. */
const backlog = 4_096;

export class Listener {
  readonly #server: Server;
  readonly #farewell: Farewell;
  #closing: Promise<void> | undefined;

  constructor({ router, limit, bodyBytes }: ListenerOptions) {
    const options: ServerOptions = {
      ...requestTimes,
      keepAliveTimeout: limits.keepAliveMs,
      noDelay: true,
      shouldUpgradeCallback: isWebSocket,
      // The router refuses it, in the words and with the headers of every other refusal.
      requireHostHeader: false,
    };
    this.#server = createServer(options, (req, res) => {
      this.#farewell.answering(res);
      router.request(req, res);
    });
    this.#farewell = new Farewell(this.#server);
    this.#server.on('connection', (socket) => limit.opened(socket));
    this.#server.on('upgrade', router.upgrade);
    this.#server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      if (!announcesTooMuch(req, bodyBytes)) res.writeContinue();
      this.#farewell.answering(res);
      router.request(req, res);
    });
    this.#server.on('clientError', answerFault);
  }

  /**
   * Begins to accept; resolves with the address that is in force.
   *
   * @throws {Error} as node:net gives it, for one `EADDRINUSE`.
   */
  listen({ host, port, reusePort = false }: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog, reusePort }, () => {
        this.#server.off('error', reject);
        const bound = this.#server.address() as AddressInfo;
        resolve({ host: bound.address, port: bound.port });
      });
    });
  }

  /**
   * Stops accepting as soon as nobody waits for that, closes idle connections soon and busy ones with their answer. Resolves when
   * every connection is gone, those that became WebSockets included: their transport closes them. After `graceMs` the requests
   * that are still open are cut off.
   */
  close(graceMs = 3_000): Promise<void> {
    this.#closing ??= this.#farewell.take(graceMs);
    return this.#closing;
  }
}

/** Bytes that are no request, or a request that took too long. An answer that has begun is not to be followed by another. */
function answerFault(
  error: NodeJS.ErrnoException,
  socket: Duplex & { readonly bytesWritten?: number },
): void {
  const busy = (socket as Duplex & AnsweringSocket)._httpMessage?.headersSent === true;
  if (error.code === 'ECONNRESET' || !socket.writable || busy) {
    socket.destroy();
    return;
  }
  const fault = faults[error.code ?? ''] ?? badRequest;
  refuseSocket(socket, fault.status, fault);
}

/** node:http keeps the answer under way on its socket, and its own default listener looks there too. */
interface AnsweringSocket {
  readonly _httpMessage?: { readonly headersSent: boolean } | null;
}

const badRequest = new HttpError(400, 'badRequest', 'these bytes are no HTTP/1.1 request');
const faults: Readonly<Record<string, HttpError>> = {
  HPE_HEADER_OVERFLOW: new HttpError(
    431,
    'limitExceeded',
    'the headers are larger than 16384 bytes; send less',
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(
    408,
    'badRequest',
    'the request took too long to arrive; send it at once',
  ),
};
