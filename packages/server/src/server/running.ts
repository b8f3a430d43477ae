/** What a server is to whoever starts it: how it begins, and what can be done with it while it runs. */
import type { Settings } from '../config/settings.ts';
import type { WorkerHome } from './home.ts';
import type { ReloadingParts, ReloadReport } from './reloading.ts';
import type { Takeover } from './takeover.ts';

/** A server that accepts connections. */
export interface RunningServer {
  /** Where clients reach it, for example `http://127.0.0.1:6790`. */
  readonly url: string;
  readonly port: number;
  /** The address that it listens on; `0.0.0.0` and `::` are all of the machine's. */
  readonly host: string;
  /** Where the server API is; the same as `url` unless `api.listen` moved it. */
  readonly apiUrl: string;
  readonly development: boolean;
  /** Loads config and hooks again. @throws {ReplyError} 107 they have faults, and nothing has changed. */
  reload(): Promise<ReloadReport>;
  /**
   * Stops accepting, ends every connection with 3001 and waits for them, at most as long as `drain` says.
   * Later calls wait for the same end.
   */
  close(): Promise<void>;
  /** Puts new workers in the place of all, one after another. Absent where one process serves. */
  replaceWorkers?(): Promise<void>;
  /** Ends every connection with 3001, at once: what the server lives from is gone. Resolves when they are, after `graceMs` at most. */
  abandon(graceMs: number): Promise<void>;
  /** How many processes serve, where it is more than this one. */
  readonly workers?: number;
}

/** How a server begins, and how it is changed while it runs. */
export interface ServerControls {
  /** Absent: the data directory must be free. */
  readonly takeover?: Takeover;
  /** The command line, for workers to read it, too. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  /** Where this process is a worker of a server. */
  readonly home?: WorkerHome;
  readonly load: ReloadingParts['load'];
  /** Called before anybody can see it serve, with the number of processes that will: from here on signals are obeyed. */
  readonly aboutToServe?: (workers: number) => void;
  readonly setLogLevel: (level: Settings['log']['level']) => void;
}
