import { inspect } from 'node:util';
import type { Allocation } from '../handles/allocation.js';
import { type BuddyArena, type FixedArena, openSites } from '../index.js';
import { type ArenaSnapshot, type BlockMap, STATES, type State } from './snapshot.js';

/** Cells of a map. */
const MOST_CELLS = 2048;

/** Up to this many slots, the state of each slot in use is shown. It takes a WeakRef for each slot. */
const MOST_DETAILED = 65_536;

/** Open sites that are shown. */
const MOST_SITES = 20;

/** A map is made so seldom that it takes at most this share of the time. */
const LARGEST_SHARE = 0.02;

const USED = STATES.indexOf('used');
const PINNED = STATES.indexOf('pinned');

/** Looks at one arena again and again. */
export class Survey {
  private readonly name: string;
  private readonly arena: FixedArena | BuddyArena;
  private readonly unit: number;
  private readonly units: number;
  /** By unit: the index of its state in STATES, and the holders of its allocation. */
  private readonly states: Uint8Array;
  private readonly holders: Uint8Array;
  /** By unit: since when it has been seen in use, in ms; 0 while it is free. */
  private readonly since: Float64Array;
  /** By slot: its record, once it has been seen free. */
  private readonly records: (WeakRef<Allocation> | undefined)[] = [];
  private mayMapAt = 0;
  private cells = '';

  constructor(name: string, arena: FixedArena | BuddyArena) {
    this.name = name;
    this.arena = arena;
    [this.unit, this.units] =
      'slotCount' in arena
        ? [arena.slotCapacity, arena.slotCount]
        : [arena.minBlockSize, arena.totalSize / arena.minBlockSize];
    this.states = new Uint8Array(this.units);
    this.holders = new Uint8Array(this.units);
    this.since = new Float64Array(this.units);
  }

  /** @param isFirst whether the map is needed even if it did not change */
  look(isFirst: boolean): ArenaSnapshot {
    const { name, arena } = this;
    const sites = openSites(arena.openAllocations()).slice(0, MOST_SITES);
    const metrics = arena.metrics() as unknown as Record<string, number>;
    const threads = arena.threads();
    return { kind: 'arena', name, title: inspect(arena), metrics, map: this.map(isFirst), threads, sites };
  }

  private map(isFirst: boolean): BlockMap | undefined {
    const start = performance.now();
    if (start < this.mayMapAt && !isFirst) return undefined;
    if (!this.readStates()) return undefined;
    const map = this.summary();
    this.mayMapAt = performance.now() + (performance.now() - start) / LARGEST_SHARE;
    if (map.cells === this.cells && !isFirst) return undefined;
    this.cells = map.cells;
    return map;
  }

  private readStates(): boolean {
    const { arena, states, holders, records } = this;
    states.fill(USED);
    holders.fill(0);
    const isDetailed = this.units <= MOST_DETAILED;
    const canList = arena.visitFree((block, order, record) => {
      if (order === 0) states[block] = 0;
      else states.fill(0, block, block + 2 ** order);
      if (record === undefined || !isDetailed) return;
      // The collector may have taken the slot's last record.
      if (records[block]?.deref() !== record) records[block] = new WeakRef(record);
    });
    if (!canList) return false;
    for (const { block, order } of arena.pinnedBlocks) states.fill(PINNED, block, block + 2 ** order);
    for (const [block, reference] of records.entries()) {
      const record = states[block] === USED ? reference?.deref() : undefined;
      if (record === undefined) continue;
      states[block] = STATES.indexOf(stateOf(record));
      holders[block] = Math.min(record.holders, 9);
    }
    return true;
  }

  private summary(): BlockMap {
    const { unit, units, states, holders, since } = this;
    const now = performance.now();
    const unitsPerCell = Math.ceil(units / MOST_CELLS);
    const totals = new Uint32Array(STATES.length);
    const inCell = new Uint32Array(STATES.length);
    let cells = '';
    for (let start = 0; start < units; start += unitsPerCell) {
      const end = Math.min(units, start + unitsPerCell);
      inCell.fill(0);
      let most = 0;
      let oldest = now;
      for (let at = start; at < end; at++) {
        const state = states[at] as number;
        inCell[state] = (inCell[state] as number) + 1;
        if ((holders[at] as number) > most) most = holders[at] as number;
        if (state === 0) since[at] = 0;
        else if (since[at] === 0) since[at] = now;
        else if ((since[at] as number) < oldest) oldest = since[at] as number;
      }
      const free = inCell[0] as number;
      let shown = 0;
      for (let state = 1; state < STATES.length; state++) {
        if ((inCell[state] as number) > 0 && (shown === 0 || (inCell[state] as number) > (inCell[shown] as number)))
          shown = state;
        totals[state] = (totals[state] as number) + (inCell[state] as number);
      }
      totals[0] = (totals[0] as number) + free;
      const used = end - start - free;
      const share = used === 0 ? 0 : Math.max(1, Math.floor((used * 9) / (end - start)));
      cells += `${shown}${share}${most}${ageOf(now - oldest)}`;
    }
    const counts = Object.fromEntries(STATES.map((state, index) => [state, totals[index]])) as Record<State, number>;
    return { unitsPerCell, unit, units, cells, counts };
  }
}

/** The digit for an age in ms. */
function ageOf(age: number): number {
  return Math.max(0, Math.min(9, Math.floor(Math.log2(Math.max(age, 1) / 250)) + 1));
}

/** A buffer notes what was written when it is frozen, so a slot without a written part is still being written. */
function stateOf({ trace, dirtyEnd, offset }: Allocation): State {
  if (dirtyEnd === offset) return 'writing';
  return trace.lent ? 'lent' : 'frozen';
}
