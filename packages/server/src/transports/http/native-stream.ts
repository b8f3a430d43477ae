/** A native session whose messages come as one endless answer. It ends with it. */
import { type Disconnect, disconnects } from '@carillon/protocol';
import type { SessionListener } from '../../core/entry.ts';
import { Intake } from './native-intake.ts';
import type { NativeSession } from './native-sessions.ts';
import { StreamingConnection, type StreamOptions, type StreamSurroundings } from './streaming-connection.ts';

export class NativeStream extends StreamingConnection implements NativeSession {
  readonly intake = new Intake();
  readonly #over: () => void;
  #listener: SessionListener | undefined;

  /** `over` hears once that the answer is. */
  constructor(options: StreamOptions, surroundings: StreamSurroundings, over: () => void) {
    super(options, surroundings);
    this.#over = over;
  }

  /** Call it in the turn of the constructor. */
  begin(listener: SessionListener): void {
    this.#listener = listener;
    this.listen(listener);
  }

  override pause(): void {
    this.intake.pause();
  }

  override resume(): void {
    this.intake.resume();
  }

  receive(frame: string): void {
    if (!this.isEnded) this.#listener?.received(frame);
  }

  leave(): void {
    this.close(disconnects.normal);
  }

  override close(reason: Disconnect): void {
    super.close(reason);
    this.intake.close();
  }

  override answerClosed(): void {
    super.answerClosed();
    this.intake.close();
    this.#over();
  }
}
