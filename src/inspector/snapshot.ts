/** What the page gets for one moment. */
export interface Snapshot {
  /** ms since the server started. */
  readonly time: number;
  readonly arenas: readonly ArenaSnapshot[];
}

export interface ArenaSnapshot {
  readonly name: string;
  /** What `console.log` shows of the arena. */
  readonly title: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Missing where the blocks cannot be listed, and when nothing changed since the snapshot before. */
  readonly map?: BlockMap | undefined;
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
   * Three characters for each cell: the index in STATES of the state that most units in use have, what share of the
   * units is in use (0 to 9, 9 is all), and the most holders of an allocation (0 to 9).
   */
  readonly cells: string;
  /** Number of units in each state. */
  readonly counts: Readonly<Record<State, number>>;
}
