/** Where hooks come from. */

/** A module that is run in a thread of its own. */
export interface HookModule {
  /** Absolute. */
  readonly path: string;
  /** `hooks`: its default export, or its named exports, are the hooks; `config`: the key `hooks` of its default export. */
  readonly kind: 'hooks' | 'config';
}

/** A backend that is asked over HTTP. */
export interface UrlHookSettings {
  readonly url: string;
  /** Absent: the time limit of all hooks. */
  readonly timeoutMs?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What of the settings may change while the server runs. */
export interface HookSettings {
  readonly source: HookSource;
  /** For each call. */
  readonly timeoutMs: number;
  /** What the thread may need, in its heap and besides it. */
  readonly memoryBytes: number;
}

export interface HookSource {
  /** Absent where all hooks are URLs. */
  readonly module?: HookModule;
  /** Those that are known without running a module. */
  readonly urls?: ReadonlyMap<string, UrlHookSettings>;
}
