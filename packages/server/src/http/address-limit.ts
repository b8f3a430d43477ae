/** Counts what each client address holds open, over all listeners, so that one machine cannot take every descriptor. */
import type { Socket } from 'node:net';
import { limits } from '@carillon/protocol';
import { type ClientAddresses, plainAddress } from './address.ts';
import { HttpError } from './answer.ts';

/** Other processes whose connections count, too. */
export interface HoldsElsewhere {
  /** How many an address may have; what each has here is said after that. */
  limited(limit: number): void;
  /** How many an address has here. */
  changed(address: string, count: number): void;
  /** How many it has there. */
  of(address: string): number;
}

export class AddressLimit {
  readonly #addresses: ClientAddresses;
  #limit: number;
  readonly #counts = new Map<string, number>();
  readonly #elsewhere: HoldsElsewhere | undefined;
  /** Sockets that came after their address had reached the limit. */
  readonly #refused = new Map<Socket, string>();

  /** `limit`: sockets, and upgrades or requests that came through a trusted proxy, which one address may have open. `elsewhere`: absent: this is the only process. */
  constructor(addresses: ClientAddresses, limit: number, elsewhere?: HoldsElsewhere) {
    this.#addresses = addresses;
    this.#limit = limit;
    this.#elsewhere = elsewhere;
    elsewhere?.limited(limit);
  }

  /** Another limit, for what comes from now on. */
  replace(limit: number): void {
    this.#limit = limit;
    this.#elsewhere?.limited(limit);
    for (const [address, count] of this.#counts) this.#elsewhere?.changed(address, count);
  }

  /**
   * Takes a new socket into the count. One too many is not cut off here but answered at its first request, so that
   * its owner learns why; far too many are cut off, because even an answer holds a descriptor for a while.
   */
  opened(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    if (this.#isExempt(address)) return;
    const count = this.#everywhere(address) + 1;
    this.#join(address);
    socket.once('close', () => {
      this.#refused.delete(socket);
      this.#leave(address);
    });
    if (count > this.#limit) this.#refused.set(socket, address);
    if (count > this.#limit + limits.refusedSockets) socket.destroy();
  }

  /** @throws {HttpError} 429 for a socket that came after its address had reached the limit. */
  check(socket: Socket): void {
    if (this.#refused.size > 0 && this.#refused.has(socket)) throw this.#refusal();
  }

  /**
   * Takes one upgrade or request of a client behind a trusted proxy into the count of the client's own address.
   * Others are counted as sockets already. Call what it returns once, when the upgrade or request is over.
   *
   * @throws {HttpError} 429 when the address has reached the limit.
   */
  enter(address: string, socket: Socket): (() => void) | undefined {
    if (address === plainAddress(socket.remoteAddress) || this.#isExempt(address)) return undefined;
    if (this.#everywhere(address) >= this.#limit) throw this.#refusal();
    this.#join(address);
    return () => this.#leave(address);
  }

  /**
   * Takes something that lives on without a socket into the count. Call what it returns once, when it is over.
   *
   * @throws {HttpError} 429 when the address has reached the limit.
   */
  hold(address: string): () => void {
    if (this.#isExempt(address)) return exempt;
    if (this.#everywhere(address) >= this.#limit) throw this.#refusal();
    this.#join(address);
    return () => this.#leave(address);
  }

  /** What an address holds here now; 0 for one that is exempt. */
  count(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  #isExempt(address: string): boolean {
    return !this.#addresses.isCounted(address);
  }

  #everywhere(address: string): number {
    return this.count(address) + (this.#elsewhere?.of(address) ?? 0);
  }

  #join(address: string): void {
    const count = this.count(address) + 1;
    this.#counts.set(address, count);
    this.#elsewhere?.changed(address, count);
  }

  #leave(address: string): void {
    const count = (this.#counts.get(address) ?? 1) - 1;
    if (count === 0) this.#counts.delete(address);
    else this.#counts.set(address, count);
    this.#elsewhere?.changed(address, count);
  }

  #refusal(): HttpError {
    return new HttpError(
      429,
      'tooManyRequests',
      `too many connections from this address (limit ${this.#limit}); close some, or raise limits.connectionsPerAddress`,
      ['Connection', 'close'],
    );
  }
}

function exempt(): void {}
