/** Cursors of inboxes that outlive the process: an acknowledgement that was answered is never asked for again. */
import type { Position } from '@carillon/protocol';
import type { Acknowledged, InboxState, InboxStore, MemoryInboxes } from './inbox-store.ts';
import type { Keep } from './keep.ts';

export class KeptInboxes implements InboxStore {
  readonly #inboxes: MemoryInboxes;
  readonly #keep: Keep;

  /** `inboxes`: an empty one. */
  constructor(inboxes: MemoryInboxes, keep: Keep) {
    this.#inboxes = inboxes;
    this.#keep = keep;
  }

  /** Takes over everything that was kept. Call before anything else. */
  async load(): Promise<void> {
    this.#inboxes.restore(await this.#keep.load('inbox'));
  }

  read(channel: string): Promise<InboxState> {
    return this.#inboxes.read(channel);
  }

  async see(channel: string, device: string, keepMs: number): Promise<Position | undefined> {
    const acknowledged = await this.#inboxes.see(channel, device, keepMs);
    this.#saveSometime(channel);
    return acknowledged;
  }

  async acknowledge(
    channel: string,
    device: string | undefined,
    position: Position,
    keepMs: number,
  ): Promise<Acknowledged> {
    const acknowledged = await this.#inboxes.acknowledge(channel, device, position, keepMs);
    if (acknowledged.hasMoved) await this.#save(channel);
    return acknowledged;
  }

  async forget(channel: string, device: string): Promise<void> {
    await this.#inboxes.forget(channel, device);
    await this.#save(channel);
  }

  async claim(channel: string, furthest: Position, keepMs: number): Promise<boolean> {
    const isNew = await this.#inboxes.claim(channel, furthest, keepMs);
    if (isNew) this.#saveSometime(channel);
    return isNew;
  }

  /** What is lost of this costs a repetition, and never a message; whoever cannot keep it says so. */
  #saveSometime(channel: string): void {
    this.#save(channel).catch(() => undefined);
  }

  async #save(channel: string): Promise<void> {
    const snapshot = this.#inboxes.snapshot(channel);
    if (snapshot !== undefined) await this.#keep.put('inbox', channel, snapshot.text, snapshot.until);
  }
}
