/// <reference lib="esnext.disposable" preserve="true" />
export { type BackingMemory, BuddyHint, SlotSpec } from './backing.js';
export {
  AsyncBuddyArena,
  type AsyncBuddyArenaMetrics,
  BuddyArena,
  BuddyArenaBuilder,
  type BuddyArenaMetrics,
  type BuddyArenaOf,
  RawBuddyArena,
} from './buddy-arena.js';
export type { ArenaMetrics } from './engine.js';
export {
  AllocError,
  type AllocErrorCode,
  ArenaError,
  BufferFullError,
  BuildError,
  type BuildErrorCode,
  RawFreezeError,
  ReleasedError,
} from './errors.js';
export {
  AsyncFixedArena,
  type AsyncFixedArenaMetrics,
  FixedArena,
  FixedArenaBuilder,
  type FixedArenaMetrics,
  type FixedArenaOf,
  RawFixedArena,
} from './fixed-arena.js';
export { BuddyGeometry } from './geometry.js';
export { ArenaBuffer, Bytes, BytesMut, type BytesView } from './handles.js';
export type { GrowableMemory } from './memory.js';
export { NotifyWaiters } from './notify-waiters.js';
export { type BuilderMode, InitPolicy, PageSize } from './options.js';
export { RawRegion } from './raw-region.js';
export type { TextEncoding } from './text.js';
export { Unfaulted } from './unfaulted.js';
export type { WaitMetrics, WaitOptions } from './wait-line.js';
export type { BuddyWaiter, Waiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';
