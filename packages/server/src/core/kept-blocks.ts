/** Blocks that outlive the process. */
import type { Block, BlockStore, BlockSubject } from './blocks.ts';
import type { Keep } from './keep.ts';

export class KeptBlocks implements BlockStore {
  readonly #keep: Keep;

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  async load(): Promise<readonly Block[]> {
    return [...(await this.#keep.load('block')).values()].map((text) => JSON.parse(text) as Block);
  }

  save(block: Block): Promise<void> {
    return this.#keep.put('block', keyOf(block), JSON.stringify(block), block.expiresAt);
  }

  remove(subject: BlockSubject): Promise<void> {
    return this.#keep.drop('block', keyOf(subject));
  }
}

function keyOf({ user, jti }: BlockSubject): string {
  return JSON.stringify({ user, jti });
}
