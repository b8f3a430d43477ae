/** The addresses that workers will share, found free, and kept from other servers. */
import { createServer, type Server } from 'node:net';
import type { Settings } from '../config/settings.ts';
import type { ListenAddress } from '../http/listener.ts';

export interface SharedAddresses {
  readonly listen: ListenAddress;
  readonly apiListen?: ListenAddress;
}

/** Workers whose primary was killed end within a second, and another one may be started at once. */
const [attempts, retryMs] = [15, 100];

export interface HeldAddresses {
  readonly addresses: SharedAddresses;
  /** Another server may have them; called when nobody of this one listens there any more. */
  release(): void;
}

/**
 * Each is listened on once without sharing: several may share an address that another program has shared too, and would never
 * hear of it. A port 0 is the one that the system gave. Until the workers listen, and while none of them does, another server
 * would find the same; so each is held under a name as well.
 *
 * @throws {Error} with a `code` as node:net gives it, `address` and `port`.
 */
export async function freeAddresses({ host, port, api }: Settings): Promise<HeldAddresses> {
  const held: Server[] = [];
  const release = (): void => {
    for (const name of held.splice(0)) name.close();
  };
  const taken = async (wanted: ListenAddress): Promise<ListenAddress> => {
    const { found, name } = await patiently(async () => {
      const found = await tried(wanted);
      return { found, name: await named(found) };
    });
    if (name !== undefined) held.push(name);
    return { host: wanted.host, port: found.port };
  };
  try {
    const apiListen = api.listen === undefined ? undefined : await taken(api.listen);
    const listen = await taken({ host, port });
    return { addresses: { listen, ...(apiListen !== undefined && { apiListen }) }, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Tries again what is refused because an address is in use, for a moment: those who go may not have gone. */
async function patiently<Result>(act: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === attempts) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** Resolves with the address in numbers. */
function tried({ host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port }, () => {
      const bound = server.address();
      const found = typeof bound === 'object' && bound !== null ? bound : { address: host, port };
      server.close(() => resolve({ host: found.address, port: found.port }));
    });
  });
}

/** A name that one process at a time can have, and loses with its end. Only Linux has such names; elsewhere nothing is held. */
function named({ host: address, port }: ListenAddress): Promise<Server | undefined> {
  if (process.platform !== 'linux') return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.once('error', (error) => reject(Object.assign(error, { address, port })));
    server.listen(`\0carillon ${address}:${port}`, () => resolve(server));
  });
}
