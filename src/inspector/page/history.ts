import type { BlockMap, Snapshot } from '../snapshot.js';

/** A minute of snapshots. */
const MOST_SNAPSHOTS = 240;

/** The last snapshots, and the one that is shown. */
export class History {
  readonly snapshots: Snapshot[] = [];
  /** Index of the snapshot that is shown; undefined while the newest one is. */
  private shown: number | undefined;

  /** Adds a snapshot. Where it has no map, the map before is still right. */
  add(snapshot: Snapshot): void {
    const before = this.snapshots.at(-1);
    const arenas = snapshot.arenas.map((arena, index): Snapshot['arenas'][number] => {
      const map: BlockMap | undefined = arena.map ?? before?.arenas[index]?.map;
      return { ...arena, map };
    });
    this.snapshots.push({ ...snapshot, arenas });
    if (this.snapshots.length <= MOST_SNAPSHOTS) return;
    this.snapshots.shift();
    if (this.shown !== undefined && this.shown > 0) this.shown--;
  }

  get isPaused(): boolean {
    return this.shown !== undefined;
  }

  get current(): Snapshot | undefined {
    return this.snapshots[this.shown ?? this.snapshots.length - 1];
  }

  /** How many ms ago the shown snapshot was made. */
  get age(): number {
    const [newest, current] = [this.snapshots.at(-1), this.current];
    return newest === undefined || current === undefined ? 0 : newest.time - current.time;
  }

  togglePause(): void {
    this.shown = this.isPaused ? undefined : Math.max(0, this.snapshots.length - 1);
  }

  /** Pauses, and goes `count` snapshots on or back. */
  step(count: number): void {
    const last = Math.max(0, this.snapshots.length - 1);
    this.shown = Math.min(last, Math.max(0, (this.shown ?? last) + count));
  }
}
