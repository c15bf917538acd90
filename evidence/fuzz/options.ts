import type { Leak } from 'arena-alligator';
import type { Dice } from './dice.js';
import { anything } from './hostile.js';
import { Fails, refusalOfInteger } from './outcome.js';

/** The options of an arena, as far as its model must know them. */
export interface Traits {
  readonly kind: 'fixed' | 'buddy';
  readonly isRaw: boolean;
  readonly spills: boolean;
  readonly zeroes: boolean;
  readonly isShared: boolean;
  readonly isGuarded: boolean;
  /** Whether all open allocations are listed. */
  readonly isWatched: boolean;
  readonly alignment: number;
}

export type Draft = { -readonly [Key in keyof Traits]: Traits[Key] };

/** A builder without the types that prevent misuse. */
export interface LooseBuilder {
  alignment(byteCount: unknown): this;
  initPolicy(policy: unknown): this;
  pageSize(size: unknown): this;
  autoSpill(): this;
  hazmatRawAccess(): this;
  shared(options: unknown): this;
  leakDetection(level: unknown): this;
  onLeak(listener: unknown): this;
  guarded(enabled: unknown): this;
  isolated?(): this;
  build(): unknown;
  buildUnfaulted(): unknown;
  buildAsync(): unknown;
  buildAsyncWith(waiters: unknown): unknown;
}

/** One option of the builders. A new option needs one more row in {@link OPTIONS}. */
export interface BuilderOption {
  readonly name: string;
  /** One in this many arenas has the option. */
  readonly rarity: number;
  /** Whether it is compatible with the options chosen before. */
  suits(draft: Draft): boolean;
  apply(builder: LooseBuilder, draft: Draft, dice: Dice): void;
  /** A call of the option with any argument at all. @returns the call, and the failure that it must throw */
  misuse(dice: Dice): { readonly refusal: number; call(builder: LooseBuilder): unknown };
}

const always = (): boolean => true;

export const OPTIONS: readonly BuilderOption[] = [
  {
    name: 'alignment',
    rarity: 3,
    suits: always,
    apply(builder, draft, dice) {
      draft.alignment = 2 ** dice.below(4);
      builder.alignment(draft.alignment);
    },
    misuse(dice) {
      const any = anything(dice);
      // These two can be allocated, but would take gigabytes.
      const value = any === 2 ** 31 || any === 2 ** 32 ? 2 ** 50 : any;
      const isPower = typeof value === 'number' && value >= 1 && Number.isInteger(Math.log2(value));
      const refusal = refusalOfInteger(value, 1) || (isPower ? 0 : Fails.Build);
      return { refusal, call: (builder) => builder.alignment(value) };
    },
  },
  {
    name: 'initPolicy',
    rarity: 2,
    suits: always,
    apply(builder, draft, dice) {
      draft.zeroes = !dice.oneIn(4);
      builder.initPolicy(draft.zeroes ? 'zero' : 'uninit');
    },
    misuse(dice) {
      const value = dice.oneIn(3) ? dice.pick(['zero', 'uninit', 'Zero', '']) : anything(dice);
      const refusal = value === 'zero' || value === 'uninit' ? 0 : Fails.Type;
      return { refusal, call: (builder) => builder.initPolicy(value) };
    },
  },
  {
    name: 'pageSize',
    rarity: 3,
    suits: always,
    apply(builder, _draft, dice) {
      builder.pageSize(dice.pick(['auto', 'unknown', 1, 4096, 3, 2 ** 53 - 1]));
    },
    misuse(dice) {
      const value = anything(dice);
      return { refusal: refusalOfInteger(value, 1), call: (builder) => builder.pageSize(value) };
    },
  },
  {
    name: 'autoSpill',
    rarity: 3,
    suits: (draft) => !draft.isRaw,
    apply(builder, draft) {
      draft.spills = true;
      builder.autoSpill();
    },
    misuse: () => ({ refusal: 0, call: (builder) => builder.autoSpill() }),
  },
  {
    name: 'hazmatRawAccess',
    rarity: 4,
    suits: (draft) => !draft.spills,
    apply(builder, draft) {
      draft.isRaw = true;
      builder.hazmatRawAccess();
    },
    misuse: () => ({ refusal: 0, call: (builder) => builder.hazmatRawAccess() }),
  },
  {
    name: 'shared',
    // Only the profile chooses it: a shared arena takes too much memory to be made at random.
    rarity: Number.POSITIVE_INFINITY,
    suits: always,
    apply(builder, draft, dice) {
      draft.isShared = true;
      builder.shared({ maxThreads: 1 + dice.below(3) });
    },
    misuse(dice) {
      const value = anything(dice);
      const options = dice.oneIn(2) ? value : { maxThreads: value };
      const isObject = typeof options === 'object' && options !== null;
      // A hostile object may throw when a field is read.
      const refusal = isObject ? refusalOfMaxThreads(options) : Fails.Type;
      return { refusal, call: (builder) => builder.shared(options) };
    },
  },
  {
    name: 'leakDetection',
    rarity: Number.POSITIVE_INFINITY,
    suits: always,
    apply(builder, draft, dice) {
      const level = dice.pick(LEVELS);
      draft.isWatched = level === 'full';
      builder.leakDetection(level);
    },
    misuse(dice) {
      const value = dice.oneIn(2) ? dice.pick(LEVELS) : anything(dice);
      const refusal = LEVELS.includes(value as string) ? 0 : Fails.Type;
      return { refusal, call: (builder) => builder.leakDetection(value) };
    },
  },
  {
    name: 'onLeak',
    rarity: Number.POSITIVE_INFINITY,
    suits: always,
    apply(builder) {
      builder.onLeak((leak: Leak) => {
        throw new Error(`a leak was reported, although the program holds all its handles\n${leak.stack}`);
      });
    },
    misuse(dice) {
      const value = anything(dice);
      return { refusal: typeof value === 'function' ? 0 : Fails.Type, call: (builder) => builder.onLeak(value) };
    },
  },
  {
    name: 'isolated',
    rarity: Number.POSITIVE_INFINITY,
    suits: (draft) => draft.kind === 'fixed',
    apply: (builder) => void builder.isolated?.(),
    misuse: () => ({ refusal: 0, call: (builder) => builder.isolated?.() }),
  },
  {
    name: 'guarded',
    rarity: Number.POSITIVE_INFINITY,
    suits: always,
    apply(builder, draft) {
      draft.isGuarded = true;
      draft.isWatched = true;
      builder.guarded(true);
    },
    misuse(dice) {
      const value = dice.oneIn(2) ? dice.oneIn(2) : anything(dice);
      const refusal = typeof value === 'boolean' || value === undefined ? 0 : Fails.Type;
      return { refusal, call: (builder) => builder.guarded(value) };
    },
  },
];

const LEVELS: readonly string[] = ['off', 'sampled', 'full'];

function refusalOfMaxThreads(options: object): number {
  try {
    return refusalOfInteger((options as { maxThreads?: unknown }).maxThreads, 1, 1024);
  } catch {
    return Fails.Marker;
  }
}

/** Applies the options in `names`, and others that the dice choose. */
export function chooseOptions(builder: LooseBuilder, draft: Draft, names: readonly string[], dice: Dice): void {
  for (const option of OPTIONS) {
    const isChosen = names.includes(option.name) || (option.rarity < 100 && dice.oneIn(option.rarity));
    if (isChosen && option.suits(draft)) option.apply(builder, draft, dice);
  }
}
