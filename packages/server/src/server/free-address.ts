/** The addresses that workers will share, found free. */
import { createServer } from 'node:net';
import type { Settings } from '../config/settings.ts';
import type { ListenAddress } from '../http/listener.ts';

export interface SharedAddresses {
  readonly listen: ListenAddress;
  readonly apiListen?: ListenAddress;
}

/**
 * Each is listened on once without sharing: several may share an address that another program has shared too, and would never
 * hear of it. A port 0 is the one that the system gave.
 *
 * @throws {Error} with a `code` as node:net gives it.
 */
export async function freeAddresses({ host, port, api }: Settings): Promise<SharedAddresses> {
  const apiListen = api.listen === undefined ? undefined : await tried(api.listen);
  const listen = await tried({ host, port });
  return { listen, ...(apiListen !== undefined && { apiListen }) };
}

function tried({ host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve({ host, port: found }));
    });
  });
}
