import assert from 'node:assert/strict';
import { type ArenaBuffer, FixedArena } from 'arena-alligator';
import { assertAllReturned } from './arenas.js';
import { type Carrier, openCarriers } from './carriers.js';
import { collect, collectUntil } from './collector.js';
import { inFolder } from './digest.js';
import { settled } from './outcome.js';
import { RECORD, recordBytes } from './records.js';

export type ArenaKind = 'plain' | 'isolated';

/** The result for all records whose handles were forgotten in flight. */
export interface Voyage {
  forgotten: number;
  pinned: number;
  reclaimed: number;
  /** Leaks that were reported to `onLeak` with all their details. */
  told: number;
  /** How many arenas were used up. */
  arenas: number;
  /** How often a full collection was forced. */
  forced: number;
  /** How often free memory was overwritten. */
  overwritten: number;
  readonly carriers: { name: string; sent: number; bytes: number; wrongBytes: number; mostQueued: number }[];
}

/** As many as the carriers can have in transit together, and a few more. */
const SLOTS = 80;
/** Free slots that are overwritten at a time. Slots that were used before come first. */
const OVERWRITES = 8;
const OVERWRITE = 0xee;
/** Steps with forced collections. After them come as many steps in which only the runtime itself collects. */
const PHASE = 200;
/** Bytes of a piece of garbage that may make the runtime collect, and how many pieces are dropped at once. */
const LITTER = 4 * 1024 * 1024;
const LITTERS = 32;

/**
 * Sends records through sockets, HTTP, files and a Writable until `isOver`. Each record lies in a slot whose handle is
 * forgotten as soon as the system has the view. At the same time free slots are overwritten and garbage is collected.
 */
export function forgetInFlight(kind: ArenaKind, isOver: () => boolean): Promise<Voyage> {
  return inFolder(async (folder) => {
    const carriers = await openCarriers(folder);
    const travels = new Forgetter(kind, carriers, isOver);
    do await travels.useUpArena();
    while (!isOver());
    await Promise.all(carriers.map((carrier) => carrier.close()));
    return travels.voyage();
  });
}

class Forgetter {
  private readonly kind: ArenaKind;
  private readonly carriers: readonly Carrier[];
  private readonly isOver: () => boolean;
  private readonly seen: Omit<Voyage, 'carriers'> = {
    forgotten: 0,
    pinned: 0,
    reclaimed: 0,
    told: 0,
    arenas: 0,
    forced: 0,
    overwritten: 0,
  };
  private steps = 0;
  private readonly litter: unknown[] = [];

  constructor(kind: ArenaKind, carriers: readonly Carrier[], isOver: () => boolean) {
    this.kind = kind;
    this.carriers = carriers;
    this.isOver = isOver;
  }

  voyage(): Voyage {
    const carriers = this.carriers.map(({ name, sent, mostQueued, receipts: { bytes, wrongBytes } }) => {
      return { name, sent, bytes, wrongBytes, mostQueued };
    });
    return { ...this.seen, carriers };
  }

  /** Forgets records of a new arena: of a plain one until it is full, of an isolated one until `isOver`. */
  async useUpArena(): Promise<void> {
    const arena = this.build();
    const before = this.seen.forgotten;
    while (!this.isOver()) {
      const hadRoom = this.sendOne(arena);
      this.overwrite(arena);
      if (!hadRoom && this.kind === 'plain') break;
      await this.litterAndCollect();
    }
    while (this.carriers.some(({ underWay }) => underWay > 0)) {
      this.overwrite(arena);
      await this.litterAndCollect();
    }
    const wrong = this.voyage().carriers.filter(({ wrongBytes }) => wrongBytes > 0);
    assert.deepEqual(wrong, [], 'wrong bytes arrived');
    await this.settle(arena, this.seen.forgotten - before);
  }

  private build(): FixedArena {
    this.seen.arenas++;
    const builder = FixedArena.withSlotCapacity(SLOTS, RECORD)
      .leakDetection('full')
      .onLeak(({ pinned, bytes, site, stack, age }) => {
        const isRight = pinned === (this.kind === 'plain') && bytes === RECORD && age !== undefined;
        if (isRight && site?.includes('sendForgotten') && stack?.includes('sendOne')) this.seen.told++;
      });
    return (this.kind === 'isolated' ? builder.isolated() : builder).build();
  }

  /** @returns false when the arena is full */
  private sendOne(arena: FixedArena): boolean {
    const ready = this.carriers.filter(({ isReady }) => isReady);
    const carrier = ready[Math.floor(Math.random() * ready.length)];
    if (carrier === undefined) return true;
    if (!sendForgotten(arena, carrier, this.seen.forgotten)) return false;
    this.seen.forgotten++;
    return true;
  }

  /** Overwrites free memory, as other users of the arena would. */
  private overwrite(arena: FixedArena): void {
    const others: ArenaBuffer[] = [];
    while (others.length < OVERWRITES) {
      const other = arena.tryAllocate();
      if (other === undefined) break;
      others.push(other.putBytes(OVERWRITE, RECORD));
    }
    for (const other of others) other.abandon();
    this.seen.overwritten += others.length;
  }

  private async litterAndCollect(): Promise<void> {
    this.steps++;
    const isForcing = Math.floor(this.steps / PHASE) % 2 === 0;
    if (isForcing && this.steps % 8 === 0) {
      this.seen.forced++;
      collect();
    } else {
      this.litter.push(
        new ArrayBuffer(LITTER),
        Array.from({ length: 1000 }, () => ({})),
      );
      if (this.litter.length >= LITTERS) this.litter.length = 0;
    }
    await settled(); // finalization callbacks run in a separate task
  }

  /** Checks that every forgotten slot was found, and that all other memory was returned. */
  private async settle(arena: FixedArena, forgotten: number): Promise<void> {
    this.litter.length = 0;
    const isPlain = this.kind === 'plain';
    const found = (): number => arena.metrics()[isPlain ? 'leaksPinned' : 'leaksReclaimed'];
    await collectUntil(() => found() === forgotten);
    const { leaksPinned, leaksReclaimed, bytesLive, allocationsOk, frees } = arena.metrics();
    this.seen.pinned += leaksPinned;
    this.seen.reclaimed += leaksReclaimed;
    assert.deepEqual({ leaksPinned, leaksReclaimed }, counts(isPlain ? forgotten : 0, isPlain ? 0 : forgotten));
    const open = arena.openAllocations();
    if (isPlain) {
      assert.equal(bytesLive, forgotten * RECORD, 'only the forgotten slots are live');
      assert.equal(frees, allocationsOk - forgotten);
      assert.equal(open.length, forgotten);
      assert.ok(open.every(({ pinned }) => pinned));
    } else {
      assertAllReturned(arena);
      assert.deepEqual(open, []);
    }
  }
}

function counts(leaksPinned: number, leaksReclaimed: number): { leaksPinned: number; leaksReclaimed: number } {
  return { leaksPinned, leaksReclaimed };
}

/**
 * A separate function, because a variable of the caller would keep the handle.
 * @returns false when the arena is full
 */
function sendForgotten(arena: FixedArena, carrier: Carrier, record: number): boolean {
  const buffer = arena.tryAllocate();
  if (buffer === undefined) return false;
  carrier.send(buffer.putSlice(recordBytes(record)).freeze().view, record);
  return true;
}
