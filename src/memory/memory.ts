import { touch } from '../base/atomics.js';

/** What the library uses of a WebAssembly.Memory. It is spelled out so that the types need no DOM library. */
export interface GrowableMemory {
  readonly buffer: ArrayBufferLike;
  grow(delta: number): number;
}

/**
 * A window of memory, and the two typed views that all readers and writers share.
 *
 * There is one `Uint8Array` and one `DataView` per arena, not per allocation: making a view costs 20 to 45 ns, as much
 * as the rest of an allocation.
 *
 * The memory under the window can disappear: a WebAssembly.Memory detaches its buffer when it grows, an ArrayBuffer can
 * be transferred, and a resizable ArrayBuffer can shrink. A view then has length 0. `bytes` and `data` test nothing
 * else.
 */
export class Memory {
  /** Offset of the window in its buffer, in bytes. */
  readonly byteOffset: number;
  /** Length of the window in bytes. */
  readonly byteLength: number;
  /** Whether the bytes lie in a SharedArrayBuffer. */
  readonly shared: boolean;
  private readonly growable: GrowableMemory | undefined;
  /** The window when its buffer can be resized. `window` is empty then: the constructor says why. */
  private readonly resizable: Uint8Array | undefined;
  private window: Uint8Array;
  private fields: DataView | undefined;
  private wide: Float64Array | undefined = undefined;
  private words: Int32Array | undefined = undefined;

  /** @param shared whether the buffer is shared. For memory of the caller, {@link isShared} tells. */
  constructor(window: Uint8Array, shared = false, growable?: GrowableMemory) {
    // A bug of Node 20: optimised code that has read the `length` of an array over a resizable buffer misses that an
    // array over another buffer was detached, and reads its old length. So no array over a resizable buffer is a
    // `window`.
    const canResize = canBeResized(window.buffer);
    this.resizable = canResize ? window : undefined;
    this.window = canResize ? NOTHING : window;
    this.byteOffset = window.byteOffset;
    this.byteLength = window.length;
    this.shared = shared;
    this.growable = growable;
    this.fields = undefined;
  }

  /** Whether its views may be detached at any time: a WebAssembly.Memory does so when it grows. */
  get mayMove(): boolean {
    return this.growable !== undefined;
  }

  /**
   * Whether views of it must not be kept. Once optimised code has read their `length`, it may read wrong lengths of
   * other views: see the constructor.
   */
  get canResize(): boolean {
    return this.resizable !== undefined;
  }

  /** Whether the memory was detached, or has shrunk below the end of the window. */
  get isGone(): boolean {
    return this.window.length === 0 && this.follow() === undefined;
  }

  /** The window as bytes. @throws TypeError when the memory was detached or has shrunk. */
  get bytes(): Uint8Array {
    const window = this.window;
    return window.length !== 0 ? window : this.revive();
  }

  /** The window as a DataView. @throws TypeError when the memory was detached or has shrunk. */
  get data(): DataView {
    const fields = this.fields;
    return fields !== undefined && this.window.length !== 0 ? fields : this.reviveFields();
  }

  /**
   * A new view of `[start, end)`, which are offsets in the window. `subarray` takes 95 ns and this takes 28 (Node 20;
   * 36 and 24 on Node 24).
   */
  view(start: number, end: number): Uint8Array {
    const bytes = this.bytes;
    return new Uint8Array(bytes.buffer, this.byteOffset + start, end - start);
  }

  /** Fills `[start, end)` with the byte `value`. @throws TypeError when the memory was detached or has shrunk. */
  fill(value: number, start: number, end: number): void {
    const { bytes } = this;
    if (this.shared || end - start <= FEW) this.fillWide(bytes, value, start, end);
    else bytes.fill(value, start, end);
  }

  /** Fills `[start, end)` with zeros. In memory that was detached or has shrunk, it zeroes only what is left. */
  zero(start: number, end: number): void {
    const bytes = this.window.length !== 0 ? this.window : this.follow();
    if (bytes === undefined) this.zeroWhatIsLeft(start, end);
    else if (this.shared || end - start <= FEW) this.fillWide(bytes, 0, start, end);
    else bytes.fill(0, start, end);
  }

  /**
   * Fills with stores of eight bytes. `fill` is a call into the runtime: it takes 13 to 16 ns for 64 bytes, this takes
   * 3. Over shared memory `fill` works byte by byte: it takes 290 ns per KiB, this takes 34 (Node 20, 24).
   */
  private fillWide(bytes: Uint8Array, value: number, start: number, end: number): void {
    const { byteOffset } = this;
    const from = byteOffset + start;
    const to = byteOffset + end;
    // Eight bytes of 0xff are a NaN, and a store need not keep the bits of a NaN.
    if (value === 0xff || to > LARGEST_WIDE) {
      bytes.fill(value, start, end);
      return;
    }
    const wide = this.wide ?? this.makeWide(bytes);
    const eight = EIGHT_TIMES[value] as number;
    // Indices of the first element that lies wholly in the range, and of the one after the last. Only offsets that are
    // too large for a shift are divided: 32-bit integers make the loop twice as fast (Node 20).
    const first = to <= LARGEST_SHIFTED ? (from + 7) >>> 3 : Math.ceil(from / 8) | 0;
    const behind = to <= LARGEST_SHIFTED ? to >>> 3 : Math.floor(to / 8) | 0;
    for (let at = first; at < behind; at++) wide[at] = eight;
    const head = Math.min(first * 8 - byteOffset, end);
    for (let at = start; at < head; at++) bytes[at] = value;
    for (let at = Math.max(behind * 8 - byteOffset, head); at < end; at++) bytes[at] = value;
  }

  /**
   * The words of four bytes of the buffer, from its beginning on, to read bytes before `end` (an offset in the window).
   * The first byte is the lowest one. Undefined where words are of no use. Ask for {@link bytes} first.
   */
  wordsUpTo(end: number): Int32Array | undefined {
    if (this.byteOffset + end > LARGEST_SHIFTED || this.canResize || !IS_LITTLE_ENDIAN) return undefined;
    return this.words ?? this.makeWords();
  }

  private makeWords(): Int32Array {
    const end = Math.min(this.byteOffset + this.byteLength, LARGEST_SHIFTED);
    this.words = new Int32Array(this.bytes.buffer, 0, Math.floor(end / 4));
    return this.words;
  }

  private makeWide({ buffer }: Uint8Array): Float64Array {
    const end = Math.min(this.byteOffset + this.byteLength, LARGEST_WIDE);
    this.wide = new Float64Array(buffer, 0, Math.floor(end / 8));
    return this.wide;
  }

  private revive(): Uint8Array {
    const bytes = this.follow();
    if (bytes === undefined) throw new TypeError('the memory behind this handle was detached or shrunk');
    return bytes;
  }

  /**
   * Zeroes the part of the range that a shrunk buffer still has. The buffer may grow again: the bytes that it gets then
   * are zero, but those that it kept are not.
   */
  private zeroWhatIsLeft(start: number, end: number): void {
    const { buffer } = this.resizable ?? this.window;
    const left = Math.min(end, lengthOf(buffer) - this.byteOffset) - start;
    if (left > 0) new Uint8Array(buffer, this.byteOffset + start, left).fill(0);
  }

  /**
   * The window, when `window` is empty. Follows a WebAssembly.Memory to the buffer that it has now. Undefined when the
   * memory is gone.
   */
  private follow(): Uint8Array | undefined {
    if (this.resizable !== undefined) return hasShrunk(this.resizable, this.byteLength) ? undefined : this.resizable;
    if (this.growable !== undefined) {
      this.window = new Uint8Array(this.growable.buffer, this.byteOffset, this.byteLength);
      this.fields = undefined;
      this.wide = undefined;
      this.words = undefined;
      return this.window;
    }
    return this.byteLength === 0 ? this.window : undefined;
  }

  private reviveFields(): DataView {
    const bytes = this.bytes;
    if (this.resizable !== undefined && this.fields !== undefined) return this.fields;
    this.fields = new DataView(bytes.buffer, this.byteOffset, this.byteLength);
    return this.fields;
  }
}

const NOTHING = new Uint8Array(0);

const bufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get;

/** Length in bytes of a buffer that is not shared, whatever its own properties say. */
function lengthOf(buffer: ArrayBufferLike): number {
  return bufferLength?.call(buffer) ?? 0;
}

/** Whether the size of a buffer may change while it is used. */
function canBeResized(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { readonly resizable?: boolean; readonly growable?: boolean };
  return resizable === true || growable === true;
}

/** To be called only with an array over a resizable buffer: see the constructor of {@link Memory}. */
function hasShrunk(window: Uint8Array, byteLength: number): boolean {
  return window.length !== byteLength;
}

/** Whether a buffer is shared. Tests the tag: a page without `SharedArrayBuffer` can have shared WebAssembly memory. */
export function isShared(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

/** Up to this many bytes, stores are faster than a call of `fill`. */
const FEW = 256;

/** Up to this offset in a buffer, in bytes, elements of eight bytes have 32-bit indices. */
const LARGEST_WIDE = 2 ** 33;
/** Up to this offset in bytes, the offsets themselves are 32-bit integers. */
const LARGEST_SHIFTED = 2 ** 31 - 8;

const IS_LITTLE_ENDIAN: boolean = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

/** By byte value: the number whose eight bytes all have that value. */
const EIGHT_TIMES: Float64Array = new Float64Array(256);
const eightTimesBytes = new Uint8Array(EIGHT_TIMES.buffer);
for (let value = 0; value < 256; value++) eightTimesBytes.fill(value, value * 8, value * 8 + 8);

/**
 * Touches a byte in every page of `[start, end)` without changing it, so that the system backs all pages now.
 * @param stride bytes between touches
 */
export function touchPages(bytes: Uint8Array, start: number, end: number, stride: number): void {
  for (let at = start; at < end; at += stride) touch(bytes, at);
}
