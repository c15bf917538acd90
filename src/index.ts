/// <reference lib="esnext.disposable" preserve="true" />

export { type BackingMemory, BuddyHint, SlotSpec } from './arenas/backing.js';
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
} from './arenas/buddy-arena.js';
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
} from './arenas/fixed-arena.js';
export { InitPolicy, PageSize, type SharedOptions } from './arenas/options.js';
export { AsyncTieredArena, TieredArena, type TieredMetrics, type TieredOptions } from './arenas/tiered-arena.js';
export { Unfaulted } from './arenas/unfaulted.js';
export type { AbortSignalLike } from './base/abort-signals.js';
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
} from './base/errors.js';
export type { BuilderMode, Sharing } from './base/modes.js';
export { BuddyGeometry } from './blocks/geometry.js';
export { BytesChannel, type ChannelOptions } from './channel/bytes-channel.js';
export type { ChannelHandle } from './channel/channel-memory.js';
export type { ArenaMetrics } from './engine/engine.js';
export type { ArenaEvent, ArenaListener, ArenaMessage } from './engine/events.js';
export {
  type Leak,
  LeakDetection,
  type LeakListener,
  type OpenAllocation,
  type OpenSite,
  openSites,
} from './engine/leaks.js';
export type { Needle, ReadableBytes } from './handles/content.js';
export { ArenaBuffer, Bytes, BytesMut } from './handles/handles.js';
export { RawRegion } from './handles/raw-region.js';
export type { Ticket } from './handles/tickets.js';
export type { BytesView } from './handles/view.js';
export type { GrowableMemory } from './memory/memory.js';
export type { TextEncoding } from './memory/text.js';
export type { ArenaHandle } from './shared/arena-handle.js';
export type { WatchedWorker } from './shared/thread.js';
export { NotifyWaiters } from './waiting/notify-waiters.js';
export type { WaitMetrics } from './waiting/wait-line.js';
export type { WaitOptions } from './waiting/wait-options.js';
export type { BuddyWaiter, Waiter, WaitingRequest, WaitRegistration } from './waiting/wait-strategy.js';
