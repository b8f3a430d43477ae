/** The native sessions over HTTP, found by id and secret. */
import { timingSafeEqual } from 'node:crypto';
import type { Intake } from './native-intake.ts';

/** What a request shows to reach a session. */
export interface SessionKey {
  readonly session: string;
  readonly secret: string;
}

/** A session as requests for it see it. */
export interface NativeSession {
  readonly intake: Intake;
  receive(frame: string): void;
  /** Ends it because its client said so. */
  leave(): void;
}

export class NativeSessions<Session extends NativeSession> {
  readonly #sessions = new Map<string, { readonly secret: Buffer; readonly session: Session }>();

  get size(): number {
    return this.#sessions.size;
  }

  add({ session: id, secret }: SessionKey, session: Session): void {
    this.#sessions.set(id, { secret: Buffer.from(secret), session });
  }

  /** False where it was not there any more. */
  remove(id: string): boolean {
    return this.#sessions.delete(id);
  }

  /** Undefined where the id is not known, or the secret is another: who guesses learns nothing from which. */
  find({ session: id, secret }: SessionKey): Session | undefined {
    const found = this.#sessions.get(id);
    const shown = Buffer.from(secret);
    const isRight =
      found !== undefined && shown.length === found.secret.length && timingSafeEqual(shown, found.secret);
    return isRight ? found.session : undefined;
  }

  values(): readonly Session[] {
    return [...this.#sessions.values()].map(({ session }) => session);
  }
}
