/** A session's way in: the frames of its POSTs, held back while the session takes none. */
import { limits } from '@carillon/protocol';

/** What became of frames that were handed over. */
export type Delivery = 'taken' | 'unknown' | 'full';

/** A POST of which frames are left. */
interface Post {
  readonly frames: readonly string[];
  /** The frames that the session has. */
  taken: number;
  readonly receive: (frame: string) => void;
  readonly decide: (delivery: Delivery) => void;
}

export class Intake {
  /** In the order in which they came. */
  #posts: Post[] = [];
  #isPaused = false;
  #isClosed = false;

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#handOver();
  }

  /** Nothing is taken any more. What was taken in part counts as taken: the session was there. */
  close(): void {
    this.#isClosed = true;
    const posts = this.#posts;
    this.#posts = [];
    for (const { taken, decide } of posts) decide(taken > 0 ? 'taken' : 'unknown');
  }

  /** Hands `frames` over, as soon as the session takes them. */
  take(frames: readonly string[], receive: (frame: string) => void): Promise<Delivery> {
    if (this.#isClosed) return Promise.resolve('unknown');
    if (this.#posts.length >= limits.heldPosts) return Promise.resolve('full');
    return new Promise((decide) => {
      this.#posts.push({ frames, taken: 0, receive, decide });
      this.#handOver();
    });
  }

  /** A frame may be one too many, or the last one: that is looked at before each. */
  #handOver(): void {
    for (let post = this.#posts[0]; post !== undefined && !this.#isPaused; post = this.#posts[0]) {
      const frame = post.frames[post.taken];
      if (frame === undefined) {
        this.#posts.shift();
        post.decide('taken');
      } else {
        post.taken += 1;
        post.receive(frame);
      }
    }
  }
}
