/// <reference lib="esnext.disposable" preserve="true" />

export type { ArenaHandle } from './arena-handle.js';
export { type BackingMemory, BuddyHint, SlotSpec } from './backing.js';
export {
  AsyncBuddyArena,
  type AsyncBuddyArenaMetrics,
  type AsyncBuddyArenaOf,
  BuddyArena,
  BuddyArenaBuilder,
  type BuddyArenaMetrics,
  type BuddyArenaOf,
  RawBuddyArena,
  RawSharedBuddyArena,
  SharedBuddyArena,
  type SharedBuddyArenaOf,
} from './buddy-arena.js';
export { BytesChannel, type ChannelHandle } from './bytes-channel.js';
export type { ArenaMetrics } from './engine.js';
export {
  AllocError,
  type AllocErrorCode,
  ArenaError,
  BufferFullError,
  BuildError,
  type BuildErrorCode,
  ChannelClosedError,
  GuardError,
  RawFreezeError,
  ReleasedError,
} from './errors.js';
export {
  AsyncFixedArena,
  type AsyncFixedArenaMetrics,
  type AsyncFixedArenaOf,
  FixedArena,
  FixedArenaBuilder,
  type FixedArenaMetrics,
  type FixedArenaOf,
  RawFixedArena,
  RawSharedFixedArena,
  SharedFixedArena,
  type SharedFixedArenaOf,
} from './fixed-arena.js';
export { BuddyGeometry } from './geometry.js';
export { ArenaBuffer, Bytes, BytesMut, type BytesView } from './handles.js';
export {
  type Leak,
  LeakDetection,
  type LeakListener,
  type OpenAllocation,
  type OpenSite,
  openSites,
} from './leaks.js';
export type { GrowableMemory } from './memory.js';
export type { BuilderMode, Sharing } from './modes.js';
export { NotifyWaiters } from './notify-waiters.js';
export { InitPolicy, PageSize, type SharedOptions } from './options.js';
export { RawRegion } from './raw-region.js';
export type { WatchedWorker } from './shared-thread.js';
export type { TextEncoding } from './text.js';
export type { Ticket } from './tickets.js';
export { Unfaulted } from './unfaulted.js';
export type { WaitMetrics } from './wait-line.js';
export type { WaitOptions } from './wait-options.js';
export type { BuddyWaiter, Waiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';
