import { BuddyArena, BuddyGeometry, BuddyHint, FixedArena, SlotSpec, Unfaulted } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { anyBacking } from './backings.js';
import type { Dice } from './dice.js';
import { anything, resizableBuffer } from './hostile.js';
import type { Arena } from './model.js';
import { type LooseBuilder, OPTIONS } from './options.js';
import { type Attempt, attempt, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';

/** Anything as a size, except numbers that would take gigabytes: a number is small, or more than any machine has. */
function anySize(dice: Dice): unknown {
  const value = dice.oneIn(3) ? anything(dice) : 1 + dice.below(70);
  if (typeof value !== 'number' || value <= 4096 || value === Number.POSITIVE_INFINITY) return value;
  // Rarely an integer: newer V8s collect all garbage several times before they refuse it.
  return dice.oneIn(64) ? 2 ** 50 : Number.POSITIVE_INFINITY;
}

const OVERSIZED = 2 ** 40;

function isOversized(...sizes: readonly unknown[]): boolean {
  return sizes.some((size) => typeof size === 'number' && size >= OVERSIZED);
}

interface Started {
  readonly builder: LooseBuilder;
  /** What the build must throw; 0 when it need not throw. */
  readonly must: number;
  /** Detaches, shrinks or grows the memory before the build. Undefined when that is not possible. */
  readonly spoil: (() => void) | undefined;
}

function ownFixed(dice: Dice): Started | undefined {
  const [slots, size] = [anySize(dice), anySize(dice)];
  const invalid = refusalOfInteger(slots, 1) | refusalOfInteger(size, 1);
  const { value } = attempt('withSlotCapacity', invalid, 0, () => {
    const make = dice.oneIn(2) ? FixedArena.withSlotCapacity : FixedArena.withArenaCapacity;
    return make.call(FixedArena, slots as number, size as number);
  });
  if (value === undefined) return undefined;
  return started(value, isOversized(slots, size) ? Fails.Build : 0);
}

function ownBuddy(dice: Dice): Started | undefined {
  const geometry = anyGeometry(dice);
  if (geometry === undefined) return undefined;
  const fake = dice.oneIn(8) ? anything(dice) : geometry;
  const must = fake === geometry ? 0 : Fails.Type | Fails.Marker;
  const { value } = attempt('builder', must, 0, () => BuddyArena.builder(fake as BuddyGeometry));
  return value === undefined ? undefined : started(value, isOversized(geometry.totalSize) ? Fails.Build : 0);
}

function raw(dice: Dice): Started | undefined {
  const isFixed = dice.oneIn(2);
  const size = anySize(dice);
  const made = attempt<SlotSpec | BuddyHint>('a spec', refusalOfInteger(size, 1), 0, () => {
    if (!isFixed) return BuddyHint.minAlloc(size as number);
    return dice.oneIn(2) ? SlotSpec.count(size as number) : SlotSpec.size(size as number);
  });
  if (made.value === undefined) return undefined;
  const backing = anyBacking(dice, 1 + dice.below(500));
  const isFake = dice.oneIn(6);
  const memory = isFake ? anything(dice) : lying(backing.memory, dice);
  const any = dice.oneIn(4) ? anything(dice) : dice.oneIn(2) ? () => undefined : undefined;
  // No callback throws here: its error would be thrown again in a separate task, where no caller could catch it.
  const dealloc = typeof any === 'function' ? () => undefined : any;
  const must =
    (isFake ? Fails.Type | Fails.Marker | Fails.Build : 0) |
    (dealloc === undefined || typeof dealloc === 'function' ? 0 : Fails.Type);
  const { value } = attempt('fromRaw', must, 0, () => {
    const arena = (isFixed ? FixedArena : BuddyArena) as typeof FixedArena;
    return arena.fromRaw(memory as ArrayBuffer, made.value as SlotSpec, dealloc as undefined);
  });
  if (value === undefined) return undefined;
  return { ...started(value, 0), spoil: backing.disturb && (() => backing.disturb?.(backing)) };
}

/** Makes some buffers lie about their `byteLength`. Only the true size may count. */
function lying<Memory>(memory: Memory, dice: Dice): Memory {
  if (!(memory instanceof ArrayBuffer || memory instanceof SharedArrayBuffer) || !dice.oneIn(4)) return memory;
  Object.defineProperty(memory, 'byteLength', { value: dice.pick([0, 5, 2 ** 20, 2 ** 40, undefined, 'long', {}]) });
  return memory;
}

function started(builder: unknown, must: number): Started {
  return { builder: builder as LooseBuilder, must, spoil: undefined };
}

const WAITERS: readonly unknown[] = [undefined, null, 1, {}, { register: 1, wake: 2 }, { register: () => ({}) }];

/**
 * Builds an arena from any arguments with any options. A built arena must work. A build that failed must fail again
 * with the same code.
 */
export const buildAnything: Operation = (_world, dice) => {
  const begun = dice.pick([ownFixed, ownBuddy, raw])(dice);
  if (begun === undefined) return;
  const { builder } = begun;
  // Isolated slots and guarded allocations have memory of their own, which is made at first use.
  let isLazy = false;
  for (let count = dice.below(4); count > 0; count--) {
    const { name, refusal, call } = misuse(dice);
    // Whether options exclude each other depends on those set before.
    const { failure } = attempt(name, refusal, Fails.Build, () => call(builder));
    if (failure === 0 && (name === 'isolated' || name === 'guarded')) isLazy = true;
  }
  if (dice.oneIn(3)) begun.spoil?.();
  const build = anyBuild(builder, dice);
  const first = attempt('build', isLazy ? begun.must & ~Fails.Build : begun.must, Fails.Build, build);
  if (first.failure === 0) checkBuilt(first, dice, isLazy);
  if (first.failure === 0 || begun.spoil !== undefined) return;
  const second = codeOf(build);
  expectSame(second, codeOf(build), 'the code of a build that fails again');
};

function misuse(dice: Dice): { name: string; refusal: number; call(builder: LooseBuilder): unknown } {
  const option = dice.pick(OPTIONS);
  return { name: option.name, ...option.misuse(dice) };
}

function codeOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  return 'built';
}

function anyBuild(builder: LooseBuilder, dice: Dice): () => unknown {
  switch (dice.below(5)) {
    case 0:
      return () => builder.buildUnfaulted();
    case 1:
      return () => builder.buildAsync();
    case 2: {
      const waiters = dice.pick(WAITERS);
      return () => {
        const { failure, value } = attempt('buildAsyncWith', Fails.Type | Fails.Build, 0, () =>
          builder.buildAsyncWith(waiters),
        );
        return failure === 0 ? value : builder.build();
      };
    }
    default:
      return () => builder.build();
  }
}

function checkBuilt({ value }: Attempt<unknown>, dice: Dice, isLazy: boolean): void {
  const arena = (value instanceof Unfaulted ? (isLazy ? value.intoInner() : value.faultPages()) : value) as Arena;
  const { value: buffer } = attempt('allocate', 0, isLazy ? Fails.ArenaFull : 0, () => arena.allocate(1));
  if (buffer === undefined) return;
  const { capacity } = buffer;
  if (capacity < 1) throw new Finding(`an allocated buffer has a capacity of ${capacity} bytes`);
  buffer.putBytes(dice.below(256), capacity);
  const bytes = buffer.freeze();
  expectSame(bytes.length, capacity, 'length of the frozen bytes');
  arena.close();
  bytes.release();
  expectSame(arena.metrics().frees, 1, 'frees of a small arena');
  if ('detach' in arena) (arena as { detach(): void }).detach();
}

function anyGeometry(dice: Dice): BuddyGeometry | undefined {
  const [total, minBlock] = dice.oneIn(2) ? [2 ** dice.below(10), 2 ** dice.below(6)] : [anySize(dice), anySize(dice)];
  const invalid = refusalOfInteger(total, 1) | refusalOfInteger(minBlock, 1);
  const isExact = dice.oneIn(2);
  const { value } = attempt('a geometry', invalid, invalid === 0 ? Fails.Build : 0, () =>
    isExact
      ? BuddyGeometry.exact(total as number, minBlock as number)
      : BuddyGeometry.nearest(total as number, minBlock as number),
  );
  return value;
}

export const useGeometry: Operation = (_world, dice) => {
  const geometry = anyGeometry(dice);
  if (geometry === undefined) return;
  const { totalSize, minBlockSize, maxOrder } = geometry;
  expectSame(minBlockSize * 2 ** maxOrder, totalSize, 'total size of a geometry');
  const alignment = anything(dice);
  const { value: aligned } = attempt('withAlignment', refusalOfInteger(alignment, 1), Fails.Build, () =>
    geometry.withAlignment(alignment as number),
  );
  if (aligned !== undefined && aligned.minBlockSize % aligned.alignment !== 0)
    throw new Finding('the blocks of the geometry are not aligned');
  // The view has no bytes: its buffer shrank below its offset.
  const buffer = resizableBuffer(64, 64);
  const view = new Uint8Array(buffer, 32, 32);
  buffer.resize(16);
  attempt('an arena over nothing', Fails.Build, 0, () => FixedArena.fromRaw(view, SlotSpec.size(1)).build());
};
