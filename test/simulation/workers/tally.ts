/** What happened in a world of several processes, to see that worlds are worth anything. */
export interface Tally {
  published: number;
  acknowledged: number;
  /** Publishes that nobody answered. */
  unanswered: number;
  /** Publishes that were tried again. */
  repeated: number;
  received: number;
  gaps: number;
  workersKilled: number;
  workersReplaced: number;
  primariesKilled: number;
  pauses: number;
}

export function emptyTally(): Tally {
  return {
    ...{ published: 0, acknowledged: 0, unanswered: 0, repeated: 0, received: 0, gaps: 0 },
    ...{ workersKilled: 0, workersReplaced: 0, primariesKilled: 0, pauses: 0 },
  };
}
