import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Settings } from '../config/settings.ts';
import { freeAddresses, type HeldAddresses } from './free-address.ts';

const held: HeldAddresses[] = [];
afterEach(() => {
  for (const { release } of held.splice(0)) release();
});

async function find(port: number, apiPort?: number): Promise<HeldAddresses> {
  const host = '127.0.0.1';
  const api = { keys: [], ...(apiPort !== undefined && { listen: { host, port: apiPort } }) };
  const found = await freeAddresses({ host, port, api } as unknown as Settings);
  held.push(found);
  return found;
}

test('a port 0 is the one that the system gave, and workers can listen there', async () => {
  const { addresses } = await find(0, 0);
  const { listen, apiListen } = addresses;
  expect(listen.port).toBeGreaterThan(0);
  expect(apiListen?.port).toBeGreaterThan(0);
  expect(apiListen?.port).not.toBe(listen.port);
  const workers = [1, 2].map(() => createServer().listen({ ...listen, reusePort: true }));
  await Promise.all(workers.map((worker) => once(worker, 'listening')));
  for (const worker of workers) worker.close();
});

test('LIF7 an address that somebody shares already is in use', async () => {
  const other = createServer().listen({ host: '127.0.0.1', port: 0, reusePort: true });
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(find(port)).rejects.toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1', port });
  await expect(find(0, port)).rejects.toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1', port });
  other.close();
});

test.skipIf(process.platform !== 'linux')(
  'LIF7 an address is in use from the moment in which it was found, though nobody listens yet, until it is released',
  async () => {
    const { addresses, release } = await find(0);
    const { port } = addresses.listen;
    const refusal = { code: 'EADDRINUSE', address: '127.0.0.1', port };
    await expect(find(port)).rejects.toMatchObject(refusal);
    // What was found before the refusal is free again.
    await expect(find(port, 0)).rejects.toMatchObject(refusal);
    release();
    expect((await find(port)).addresses.listen.port).toBe(port);
  },
);
