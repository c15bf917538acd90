/** What the page gets for one moment. */
export interface Snapshot {
  /** ms since the server started. */
  readonly time: number;
  readonly arenas: readonly ArenaSnapshot[];
}

/** An arena, or a channel between threads, which has only a title and figures. */
export interface ArenaSnapshot {
  readonly kind: 'arena' | 'channel';
  readonly name: string;
  /** What `console.log` shows of it. */
  readonly title: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Missing where the blocks cannot be listed, and when nothing changed since the snapshot before. */
  readonly map?: BlockMap | undefined;
  /** The threads that share the arena. */
  readonly threads: readonly {
    readonly threadId: number;
    readonly allocationsOk: number;
    readonly frees: number;
    readonly waiting: number;
  }[];
  /** Open allocations by site, the largest first. Empty without leak detection. */
  readonly sites: readonly { readonly site: string; readonly count: number; readonly bytes: number }[];
}

/** The states of a slot or block. */
export const STATES = ['free', 'used', 'writing', 'frozen', 'lent', 'pinned'] as const;

export type State = (typeof STATES)[number];

/** The memory of an arena in equal cells, from its beginning to its end. */
export interface BlockMap {
  /** Slots (or smallest blocks) of a cell. The last cell may have fewer. */
  readonly unitsPerCell: number;
  /** Bytes of a slot or of the smallest block. */
  readonly unit: number;
  readonly units: number;
  /**
   * Four characters for each cell: the index in STATES of the state that most units in use have, what share of the units
   * is in use (0 to 9, 9 is all), the most holders of an allocation (0 to 9), and the age of the oldest allocation: 0 for
   * less than a quarter of a second, and 1 more for each time that it doubles, up to 9 (a minute).
   */
  readonly cells: string;
  /** Number of units in each state. */
  readonly counts: Readonly<Record<State, number>>;
}
