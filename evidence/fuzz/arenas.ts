import { BuddyArena, BuddyGeometry, BuddyHint, FixedArena, SlotSpec, Unfaulted } from 'arena-alligator';
import { anyBacking, type Backing } from './backings.js';
import type { Dice } from './dice.js';
import { type Arena, ArenaModel, type World } from './model.js';
import { chooseOptions, type Draft, type LooseBuilder } from './options.js';
import { Finding } from './outcome.js';

const SLOT_SIZES: readonly number[] = [1, 7, 8, 16, 24, 64, 100, 256];
const BLOCK_SIZES: readonly number[] = [1, 8, 16, 64];

const HAVE_OWN_MEMORY: readonly string[] = ['isolated', 'guarded'];

/** Adds an arena of any kind to the world. @param options names of the options that the arena must have */
export function addArena(world: World, dice: Dice, options: readonly string[], waiters?: unknown): ArenaModel {
  const draft: Draft = {
    kind: dice.oneIn(2) ? 'fixed' : 'buddy',
    isRaw: false,
    spills: false,
    zeroes: false,
    isShared: false,
    isGuarded: false,
    isWatched: false,
    alignment: 1,
  };
  const { builder, backing } = anyBuilder(draft, dice, options);
  chooseOptions(builder, draft, options, dice);
  const built = build(builder, draft, dice, options, waiters);
  const isUnfaulted = built instanceof Unfaulted;
  const model = new ArenaModel(isUnfaulted ? faulted(built, dice) : built, draft, backing);
  if (isUnfaulted && dice.oneIn(2)) {
    const [arena, buffer] = built.allocate(1);
    if (arena !== model.arena) throw new Finding('allocate() returned another arena');
    buffer.abandon();
    model.allocationsOk++;
    model.frees++;
  }
  world.arenas.push(model);
  checkShape(model);
  return model;
}

function anyBuilder(
  draft: Draft,
  dice: Dice,
  options: readonly string[],
): { builder: LooseBuilder; backing?: Backing } {
  const builder = (made: unknown): LooseBuilder => made as LooseBuilder;
  const slots = 1 + dice.below(12);
  const slotSize = dice.pick(SLOT_SIZES);
  if (dice.oneIn(3)) {
    const backing = anyBacking(dice, slots * slotSize + 64);
    // Isolated and guarded arenas have their own memory.
    if (
      !HAVE_OWN_MEMORY.some((option) => options.includes(option)) &&
      (!options.includes('shared') || backing.isShared)
    ) {
      const made =
        draft.kind === 'fixed'
          ? FixedArena.fromRaw(
              backing.memory,
              dice.oneIn(2) ? SlotSpec.count(1 + dice.below(4)) : SlotSpec.size(8 + dice.below(32)),
            )
          : BuddyArena.fromRaw(backing.memory, BuddyHint.minAlloc(1 + dice.below(32)));
      return { builder: builder(made), backing };
    }
  }
  if (draft.kind === 'fixed') {
    return {
      builder: builder(
        dice.oneIn(4)
          ? FixedArena.withArenaCapacity(slots, slots * slotSize - dice.below(slots))
          : FixedArena.withSlotCapacity(slots, slotSize),
      ),
    };
  }
  const minBlock = dice.pick(BLOCK_SIZES);
  const geometry = dice.oneIn(3)
    ? BuddyGeometry.nearest(100 + dice.below(500), 1 + dice.below(40))
    : BuddyGeometry.exact(minBlock * 2 ** dice.below(7), minBlock);
  return { builder: builder(BuddyArena.builder(geometry.capsCapacity ? geometry : raised(geometry))) };
}

/** An exact geometry whose blocks have at least 8 bytes, so that every alignment up to 8 fits it. */
function raised(geometry: BuddyGeometry): BuddyGeometry {
  return geometry.minBlockSize >= 8 ? geometry : BuddyGeometry.exact(geometry.totalSize * 8, geometry.minBlockSize * 8);
}

function build(
  builder: LooseBuilder,
  draft: Draft,
  dice: Dice,
  options: readonly string[],
  waiters: unknown,
): Arena | Unfaulted<Arena> {
  if (options.includes('async') && !draft.isRaw) {
    return (waiters === undefined ? builder.buildAsync() : builder.buildAsyncWith(waiters)) as Arena;
  }
  if (!dice.oneIn(4)) return builder.build() as Arena;
  const unfaulted = builder.buildUnfaulted();
  if (!(unfaulted instanceof Unfaulted)) throw new Finding('buildUnfaulted() did not return an Unfaulted');
  return unfaulted as Unfaulted<Arena>;
}

function faulted(unfaulted: Unfaulted<Arena>, dice: Dice): Arena {
  return dice.oneIn(2) ? unfaulted.faultPages() : unfaulted.intoInner();
}

function checkShape({ arena, traits, backing, total }: ArenaModel): void {
  const unit = 'slotCount' in arena ? arena.slotCapacity : arena.minBlockSize;
  if (unit % traits.alignment !== 0)
    throw new Finding(`units of ${unit} bytes do not fit an alignment of ${traits.alignment}`);
  if (backing !== undefined && total > backing.byteLength)
    throw new Finding(`an arena of ${total} bytes over a backing of ${backing.byteLength}`);
}
