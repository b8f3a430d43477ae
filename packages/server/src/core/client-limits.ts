/** What one connection may use; another config may change it while the server runs. */
export interface ClientLimits {
  /** More is refused with 106. */
  channelsPerConnection: number;
  /** Publications a second; absent: no such limit. */
  publishesPerSecond?: number | undefined;
}
