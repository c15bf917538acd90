import { describe } from '../base/check.js';
import { type ArenaHandle, openHandle } from '../shared/arena-handle.js';
import { invalid, MAX_MESSAGES, sharedBuffer } from '../shared/control.js';
import { ringWords } from './ring.js';

/** What another thread needs to attach to a channel. It leads to the arena too. */
export interface ChannelHandle {
  readonly type: 'arena-alligator/channel';
  readonly arena: ArenaHandle;
  readonly memory: SharedArrayBuffer;
}

// The memory of a channel in 32-bit words: a header, the masks of waiting receivers and senders, a word for each thread that
// attached the channel, and the ring.
const MAGIC_AT = 0;
const VERSION_AT = 1;
const CAPACITY_AT = 2;
const MASK_WORDS_AT = 3;
const WAITS_WHEN_ABANDONED_AT = 4;
const HEADER = 32;

const MAGIC = 0x416c_6c43; // 'AllC' in ASCII
const VERSION = 2;

/** The memory of a channel, and where its parts begin, in words. */
export interface ChannelMemory {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly capacity: number;
  readonly waitsWhenAbandoned: boolean;
  /** The lanes whose threads wait to receive, one bit for each. */
  readonly receivers: number;
  readonly senders: number;
  readonly maskWords: number;
  /** For each lane, who attached the channel there. */
  readonly peers: number;
  /** On its own cache line, because senders read the masks each time and receivers write the head. */
  readonly ring: number;
}

/** Makes the memory of a channel. @throws BuildError SIZE_OVERFLOW when the runtime refuses it */
export function newChannelMemory(capacity: number, maxThreads: number, waitsWhenAbandoned: boolean): ChannelMemory {
  const buffer = sharedBuffer(channelBytes(capacity, maxThreads));
  const words = new Int32Array(buffer);
  words[MAGIC_AT] = MAGIC;
  words[VERSION_AT] = VERSION;
  words[CAPACITY_AT] = capacity;
  words[MASK_WORDS_AT] = maskWordsOf(maxThreads);
  words[WAITS_WHEN_ABANDONED_AT] = waitsWhenAbandoned ? 1 : 0;
  return partsOf(buffer, capacity, maxThreads);
}

/**
 * The memory that a handle leads to.
 * @throws BuildError INVALID_HANDLE when the handle is damaged or of another version; TypeError unless it is an object
 */
export function openChannelHandle(handle: ChannelHandle): { arena: ArenaHandle; memory: ChannelMemory } {
  if (typeof handle !== 'object' || handle === null)
    throw new TypeError(`handle must be an object, got ${describe(handle)}`);
  const { type, arena, memory: buffer } = handle;
  if (type !== 'arena-alligator/channel') throw invalid('it is not a channel handle');
  if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength < HEADER * 4)
    throw invalid('its memory is truncated');
  const words = new Int32Array(buffer, 0, HEADER);
  if (words[MAGIC_AT] !== MAGIC || words[VERSION_AT] !== VERSION)
    throw invalid('it does not belong to a channel of this version');
  const capacity = words[CAPACITY_AT] as number;
  if (capacity < 1 || capacity > MAX_MESSAGES) throw invalid('its geometry is impossible');
  if (typeof arena !== 'object' || arena === null) throw invalid('it has no arena handle');
  const { maxThreads } = openHandle(arena, arena.kind === 'buddy' ? 'buddy' : 'fixed').control.plan;
  if (buffer.byteLength !== channelBytes(capacity, maxThreads)) {
    throw invalid('its memory does not have the size that its geometry needs');
  }
  return { arena, memory: partsOf(buffer, capacity, maxThreads) };
}

export function channelHandle(arena: ArenaHandle, { buffer }: ChannelMemory): ChannelHandle {
  return Object.freeze({ type: 'arena-alligator/channel', arena, memory: buffer });
}

function partsOf(buffer: SharedArrayBuffer, capacity: number, maxThreads: number): ChannelMemory {
  const words = new Int32Array(buffer);
  const maskWords = maskWordsOf(maxThreads);
  return {
    buffer,
    words,
    capacity,
    waitsWhenAbandoned: words[WAITS_WHEN_ABANDONED_AT] === 1,
    receivers: HEADER,
    senders: HEADER + maskWords,
    maskWords,
    peers: HEADER + 2 * maskWords,
    ring: ringAt(maxThreads),
  };
}

function maskWordsOf(maxThreads: number): number {
  return Math.ceil(maxThreads / 32);
}

function channelBytes(capacity: number, maxThreads: number): number {
  return (ringAt(maxThreads) + ringWords(capacity)) * 4;
}

function ringAt(maxThreads: number): number {
  return Math.ceil((HEADER + 2 * maskWordsOf(maxThreads) + maxThreads) / 32) * 32;
}
