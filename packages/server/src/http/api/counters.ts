/** How many requests the server API answered, by method and status: plain numbers, read when metrics are asked for. */

export interface ApiRequestCount {
  readonly method: string;
  readonly status: number;
  readonly count: number;
}

export class ApiCounters {
  readonly #byMethod = new Map<string, Map<number, number>>();

  /** `method` is one of the table, or `unknown`: never what a client wrote. */
  count(method: string, status: number): void {
    let byStatus = this.#byMethod.get(method);
    if (byStatus === undefined) {
      byStatus = new Map();
      this.#byMethod.set(method, byStatus);
    }
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }

  /** Everything so far. */
  read(): ApiRequestCount[] {
    return [...this.#byMethod].flatMap(([method, byStatus]) =>
      [...byStatus].map(([status, count]) => ({ method, status, count })),
    );
  }
}
