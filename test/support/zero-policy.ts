import assert from 'node:assert/strict';
import {
  type ArenaBuffer,
  AsyncBuddyArena,
  AsyncFixedArena,
  BuddyArena,
  type BuddyArenaBuilder,
  BuddyGeometry,
  BuddyHint,
  BufferFullError,
  type Bytes,
  BytesChannel,
  FixedArena,
  type FixedArenaBuilder,
  RawBuddyArena,
  RawFixedArena,
  type RawRegion,
  RawSharedBuddyArena,
  RawSharedFixedArena,
  SharedBuddyArena,
  SharedFixedArena,
  SlotSpec,
  type Ticket,
} from 'arena-alligator';
import fc from 'fast-check';
import type { Allocation } from '#internal/handles/allocation';
import { assertAllReturned } from './arenas.js';
import { settled } from './outcome.js';

export interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void;
}

const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ResizableBuffer;

/**
 * The value of each byte of caller memory before the arena is built. Bytes outside the slots and blocks must keep it.
 */
const OUTSIDE = 0xdd;

/** The memory that an arena is built over, and the means to change it behind the arena's back. */
interface Ground {
  readonly shared: boolean;
  readonly window: Uint8Array | WebAssembly.Memory;
  /** The whole buffer as it is now. */
  all(): Uint8Array;
  readonly wasm?: WebAssembly.Memory;
  readonly resizable?: ResizableBuffer;
}

function windowed(buffer: ArrayBufferLike, shared: boolean): Ground {
  new Uint8Array(buffer).fill(OUTSIDE);
  return { shared, window: new Uint8Array(buffer, 5, 1111), all: () => new Uint8Array(buffer) };
}

const grounds: Record<string, () => Ground | undefined> = {
  own: () => undefined,
  window: () => windowed(new ArrayBuffer(1200), false),
  'shared window': () => windowed(new SharedArrayBuffer(1200), true),
  'WebAssembly.Memory': () => overWasm({ initial: 1, maximum: 6 }),
  'shared WebAssembly.Memory': () => overWasm({ initial: 1, maximum: 6, shared: true }),
  'resizable buffer': () => {
    const resizable = new Resizable(1200, { maxByteLength: 1200 });
    return typeof resizable.resize === 'function' ? { ...windowed(resizable, false), resizable } : undefined;
  },
};

function overWasm(descriptor: WebAssembly.MemoryDescriptor): Ground {
  const wasm = new WebAssembly.Memory(descriptor);
  new Uint8Array(wasm.buffer).fill(OUTSIDE);
  return { shared: descriptor.shared === true, window: wasm, wasm, all: () => new Uint8Array(wasm.buffer) };
}

export interface Shape {
  readonly ground: string;
  readonly kind: 'fixed' | 'exact' | 'nearest';
  readonly mode: 'waiting' | 'spill' | 'raw';
  readonly shared: boolean;
  readonly alignment: number;
}

export const groundNames: readonly string[] = Object.keys(grounds);

export const shapes: fc.Arbitrary<Shape> = fc.record({
  ground: fc.constantFrom(...groundNames),
  kind: fc.constantFrom('fixed', 'exact', 'nearest'),
  mode: fc.constantFrom('waiting', 'spill', 'raw'),
  shared: fc.boolean(),
  alignment: fc.constantFrom(1, 8, 16, 64),
});

type Arena = FixedArena | BuddyArena;
type Handle = ArenaBuffer | Bytes | RawRegion;

const threads = { maxThreads: 2 };

function fixedBuilder({ ground, alignment }: Shape, over: Ground | undefined): FixedArenaBuilder {
  const slot = ground.includes('Assembly') ? 9000 : 200;
  const builder =
    over === undefined
      ? FixedArena.withSlotCapacity(5, slot - 1)
      : FixedArena.fromRaw(over.window, SlotSpec.size(slot));
  return builder.alignment(alignment).initPolicy('zero');
}

function buddyBuilder({ ground, kind, alignment }: Shape, over: Ground | undefined): BuddyArenaBuilder {
  const geometry = kind === 'nearest' ? BuddyGeometry.nearest(1000, 64) : BuddyGeometry.exact(1024, 64);
  const hint = BuddyHint.minAlloc(ground.includes('Assembly') ? 2048 : 64);
  const builder = over === undefined ? BuddyArena.builder(geometry) : BuddyArena.fromRaw(over.window, hint);
  return builder.alignment(alignment).initPolicy('zero');
}

function build(shape: Shape, over: Ground | undefined): Arena {
  const { mode } = shape;
  const shared = shape.shared && over?.shared !== false;
  if (shape.kind === 'fixed') {
    const builder = fixedBuilder(shape, over);
    if (mode === 'raw') {
      const raw = builder.hazmatRawAccess();
      return shared ? raw.shared(threads).build() : raw.build();
    }
    const other = mode === 'spill' ? builder.autoSpill() : builder;
    return shared ? other.shared(threads).buildAsync() : other.buildAsync();
  }
  const builder = buddyBuilder(shape, over);
  if (mode === 'raw') {
    const raw = builder.hazmatRawAccess();
    return shared ? raw.shared(threads).build() : raw.build();
  }
  const other = mode === 'spill' ? builder.autoSpill() : builder;
  return shared ? other.shared(threads).buildAsync() : other.buildAsync();
}

/**
 * All bytes that the owner of a fresh allocation can see. Unlike `chunkMut`, it marks nothing as lent or as written.
 */
export function visible(handle: ArenaBuffer | RawRegion): Uint8Array {
  const { memory, offset, limit } = (handle as unknown as { readonly allocation: Allocation }).allocation;
  return memory.view(offset, limit);
}

export function assertZero(bytes: Uint8Array, what: string): void {
  const at = bytes.findIndex((byte) => byte !== 0);
  assert.equal(at, -1, `${what}: byte ${at} of ${bytes.length} is ${bytes[at]}`);
}

type Put = (buffer: ArenaBuffer, count: number) => ArenaBuffer;

/** Calls of every method that writes. None of them writes a zero byte. */
const writers: readonly Put[] = [
  (buffer, count) => buffer.putBytes(0xab, count),
  (buffer, count) => buffer.putBytes(0xff, count),
  (buffer, count) => buffer.putSlice(new Uint8Array(count).fill(0xcd)),
  (buffer, count) => [buffer, buffer.tryPutSlice(new Uint8Array(count).fill(0xce))][0] as ArenaBuffer,
  (buffer, count) => buffer.putUtf8('short'.slice(0, count)),
  (buffer, count) => buffer.putUtf8('x'.repeat(count)),
  (buffer, count) => buffer.putUtf8('\u00e9\u6f22\u{1f600}'.repeat(count >> 3)),
  (buffer) => buffer.putU8(0x81).putI8(-2),
  (buffer) => buffer.putU16(0x8182).putI16(-3),
  (buffer) => buffer.putU16Le(0x8283).putI16Le(-4),
  (buffer) => buffer.putU32(0x81828384).putI32(-5),
  (buffer) => buffer.putU32Le(0x81828384).putI32Le(-6),
  (buffer) => buffer.putU64(0x8182838485868788n).putI64(-7n),
  (buffer) => buffer.putU64Le(0x8182838485868788n).putI64Le(-8n),
  (buffer) => buffer.putF32(-1.1).putF64(-2.2),
  (buffer) => buffer.putF32Le(-3.3).putF64Le(-4.4),
];

interface Frozen {
  readonly bytes: Bytes;
  /** The content it must have until it is given up; undefined when its memory was taken away in the meantime. */
  content: Uint8Array | undefined;
}

const ops = [
  'allocate',
  'allocate',
  'write',
  'write',
  'write',
  'lend',
  'lend and write on',
  'freeze',
  'freeze',
  'abandon',
  'clone',
  'slice',
  'split to',
  'split off',
  'truncate',
  'advance',
  'into owned',
  'reopen',
  'reopen',
  'reopen and fill',
  'release',
  'release',
  'raw',
  'raw release',
  'raw freeze',
  'wait',
  'ticket',
  'redeem',
  'send',
  'receive',
  'grow',
  'shrink',
  'audit',
] as const;

export type Step = readonly [op: (typeof ops)[number] | 'forget', a: number, b: number];

/** All operations on an arena and its handles, with two numbers that choose the handle and the amount. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(fc.constantFrom(...ops), fc.nat(0xffff), fc.nat(0xffff)),
  { maxLength: 60, size: 'max' },
);

/** Like {@link steps}, but handles are forgotten too. */
export const forgetfulSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(fc.constantFrom(...ops, 'forget', 'forget', 'forget', 'forget'), fc.nat(0xffff), fc.nat(0xffff)),
  { minLength: 30, maxLength: 80, size: 'max' },
);

/** Plays random steps on an arena with the zero policy, and checks its promises against the memory itself. */
export class Play {
  readonly arena: Arena;
  private readonly ground: Ground | undefined;
  private readonly channel: BytesChannel | undefined;
  private readonly buffers: ArenaBuffer[] = [];
  private readonly frozen: Frozen[] = [];
  private readonly regions: RawRegion[] = [];
  private readonly tickets: { readonly ticket: Ticket; readonly content: Uint8Array | undefined }[] = [];
  private readonly sent: (Uint8Array | undefined)[] = [];
  private waiting = 0;
  /** Outside the slots, bytes before this offset still have the value that the caller gave them. */
  private kept = 65_536;
  /** The start and end, in the buffer, of all memory that was ever handed out. */
  private readonly slots = new Map<number, number>();

  constructor(shape: Shape) {
    this.ground = grounds[shape.ground]?.();
    this.arena = build(shape, this.ground);
    const { arena } = this;
    const isShared = arena instanceof SharedFixedArena || arena instanceof SharedBuddyArena;
    this.channel = isShared ? BytesChannel.create(arena, { capacity: 3 }) : undefined;
  }

  async run(all: readonly Step[]): Promise<void> {
    for (const [op, a, b] of all) {
      this.step(op, a, b);
      // A waiter is served during the release. It must check its buffer before another step writes.
      for (let turn = 0; this.waiting > 0 && turn < 4; turn++) await undefined;
    }
  }

  private step(op: Step[0], a: number, b: number): void {
    switch (op) {
      case 'allocate':
        this.allocate(a);
        return;
      case 'write':
        this.write(pick(this.buffers, a), b);
        return;
      case 'lend':
        this.lend(pick(this.buffers, a), b);
        return;
      case 'lend and write on':
        this.lend(pick(this.buffers, a), b);
        this.write(pick(this.buffers, a), b >> 3);
        return;
      case 'freeze':
        this.keep(take(this.buffers, a)?.freeze());
        return;
      case 'abandon':
        take(this.buffers, a)?.abandon();
        return;
      case 'clone':
        this.keep(pick(this.frozen, a)?.bytes.clone());
        return;
      case 'forget':
        this.forget(a, b);
        return;
      case 'raw':
        this.rawAllocate(a, b);
        return;
      case 'raw release':
        take(this.regions, a)?.release();
        return;
      case 'raw freeze':
        this.rawFreeze(take(this.regions, a), b);
        return;
      case 'wait':
        this.wait(a);
        return;
      case 'ticket':
        this.issue(take(this.frozen, a));
        return;
      case 'redeem':
        this.redeem(take(this.tickets, a));
        return;
      case 'send':
        this.send(take(this.frozen, a));
        return;
      case 'receive':
        this.receive();
        return;
      case 'grow':
        this.grow();
        return;
      case 'shrink':
        this.shrink(a, b);
        return;
      case 'audit':
        this.audit();
        return;
      default:
        this.useBytes(op, a, b);
        return;
    }
  }

  /** Releases everything that is held. This serves waiters, whose buffers must then be released too. */
  releaseAll(): void {
    for (const ticket of this.tickets.splice(0)) this.redeem(ticket);
    while (this.sent.length > 0) this.receive();
    for (const buffer of this.buffers.splice(0)) buffer.abandon();
    for (const item of this.frozen.splice(0)) this.giveUp(item);
    for (const region of this.regions.splice(0)) region.release();
  }

  /** Whether no request waits and nothing is in use. */
  get isSettled(): boolean {
    const { frees, allocationsOk } = this.arena.metrics();
    return this.waiting === 0 && frees === allocationsOk;
  }

  async finish(): Promise<void> {
    for (let round = 0; round < 20 && !(this.isSettled && round > 0); round++) {
      this.releaseAll();
      await settled();
    }
  }

  /** Checks the arena and its memory. Call it when nothing is live any more. */
  check(): void {
    assertAllReturned(this.arena);
    this.audit();
    assertAllReturned(this.arena);
    const { ground } = this;
    if (ground === undefined) return;
    const all = ground.all();
    const { byteOffset } = all;
    const rest = all.slice();
    for (const [start, end] of this.slots) {
      assertZero(all.subarray(start - byteOffset, end - byteOffset), 'memory of an arena that is not in use');
      rest.fill(OUTSIDE, start - byteOffset, end - byteOffset);
    }
    assert.ok(
      rest.subarray(0, this.kept).every((byte) => byte === OUTSIDE),
      'nothing outside the slots was touched',
    );
  }

  private get largest(): number {
    return this.arena instanceof FixedArena ? this.arena.slotCapacity : this.arena.totalSize;
  }

  private lengthFor(a: number): number {
    return 1 + (a % (this.arena instanceof FixedArena ? this.largest : this.largest >> 1));
  }

  private allocate(a: number): void {
    const buffer = this.arena.tryAllocate(this.lengthFor(a));
    if (buffer === undefined) return;
    assertZero(visible(buffer), 'a fresh buffer');
    this.buffers.push(buffer);
  }

  /** Allocates all that is free, and checks it as `chunkMut` shows it. */
  private audit(): void {
    const buffers: ArenaBuffer[] = [];
    for (let size = this.largest; size >= 1; size = size >> 1) {
      for (let buffer = this.arena.tryAllocate(size); buffer !== undefined; buffer = this.arena.tryAllocate(size)) {
        buffers.push(buffer);
      }
    }
    for (const buffer of buffers) {
      const chunk = buffer.chunkMut();
      assertZero(chunk, 'a fresh chunk');
      this.slots.set(chunk.byteOffset, chunk.byteOffset + chunk.length);
      buffer.abandon();
    }
  }

  private write(buffer: ArenaBuffer | undefined, b: number): void {
    if (buffer === undefined || (buffer.isSpilled && buffer.length > 2 * this.largest)) return;
    const before = buffer.length;
    const count = (b >> 4) % 3 === 0 ? (b >> 4) % (this.largest + 3) : (b >> 4) % 30;
    try {
      writers[b % writers.length]?.(buffer, count);
    } catch (error) {
      if (!(error instanceof BufferFullError)) throw error;
      assert.ok(buffer.length >= before);
    }
  }

  private lend(buffer: ArenaBuffer | undefined, b: number): void {
    if (buffer === undefined) return;
    const chunk = buffer.chunkMut().fill(0xee);
    if ((b & 1) === 1 && !buffer.isSpilled) buffer.advanceMut((b >> 1) % (chunk.length + 1));
  }

  private keep(bytes: Bytes | undefined): void {
    if (bytes !== undefined) this.frozen.push({ bytes, content: bytes.toUint8Array() });
  }

  private useBytes(op: Step[0], a: number, b: number): void {
    const item = pick(this.frozen, a);
    if (item === undefined) return;
    const { bytes, content } = item;
    const { length } = bytes;
    const at = b % (length + 1);
    switch (op) {
      case 'slice':
        this.keep(bytes.slice(at, at + ((bytes.length - at) >> 1)));
        return;
      case 'split to':
        item.content = content?.subarray(at);
        this.keep(bytes.splitTo(at));
        return;
      case 'split off':
        item.content = content?.subarray(0, at);
        this.keep(bytes.splitOff(at));
        return;
      case 'truncate':
        item.content = content?.subarray(0, at);
        bytes.truncate(at);
        return;
      case 'advance':
        item.content = content?.subarray(at);
        bytes.advance(at);
        return;
      case 'into owned':
        this.drop(item);
        assert.equal(bytes.intoOwned().putBytes(0xbb, 300).length, length + 300);
        return;
      case 'reopen':
      case 'reopen and fill': {
        const buffer = bytes.tryIntoMut();
        if (buffer === undefined) return;
        this.drop(item);
        this.buffers.push(buffer);
        if (op === 'reopen and fill') this.lend(buffer, b);
        return;
      }
      default:
        this.drop(item);
        this.giveUp(item);
        return;
    }
  }

  private drop(item: Frozen): void {
    this.frozen.splice(this.frozen.indexOf(item), 1);
  }

  private giveUp({ bytes, content }: Frozen): void {
    if (content !== undefined) assert.deepEqual(bytes.toUint8Array(), content, 'scrubbed while it was held');
    bytes.release();
  }

  /** Forgets a handle whose memory was never lent, so that the collector returns it. */
  private forget(a: number, b: number): void {
    const of: readonly Handle[] = b % 2 === 0 ? this.buffers : this.frozen.map(({ bytes }) => bytes);
    const handle = pick(of, a);
    if (handle === undefined) return;
    const { trace } = (handle as unknown as { readonly allocation: Allocation }).allocation;
    if (trace.lent) return;
    if (b % 4 === 0) this.buffers[a % this.buffers.length]?.putBytes(0xba, roomOf(handle));
    if (b % 2 === 0) this.buffers.splice(a % this.buffers.length, 1);
    else this.frozen.splice(a % this.frozen.length, 1);
  }

  private rawAllocate(a: number, b: number): void {
    const { arena } = this;
    const isRaw =
      arena instanceof RawFixedArena ||
      arena instanceof RawBuddyArena ||
      arena instanceof RawSharedFixedArena ||
      arena instanceof RawSharedBuddyArena;
    if (!isRaw) return;
    let region: RawRegion;
    try {
      region = arena.rawAllocate(this.lengthFor(a));
    } catch {
      return;
    }
    assertZero(visible(region), 'a fresh region');
    const { bytes, memory, byteOffset, capacity } = region;
    if (b % 3 === 0) bytes.fill(0x77, b % capacity);
    if (b % 3 === 1) new Uint8Array(memory, byteOffset, capacity).fill(0x78);
    if (b % 3 === 2) bytes[capacity - 1] = 0x79;
    this.regions.push(region);
  }

  private rawFreeze(region: RawRegion | undefined, b: number): void {
    if (region === undefined) return;
    const start = b % (region.capacity + 1);
    this.keep(region.freeze(start, start + ((region.capacity - start) >> 1)));
  }

  private wait(a: number): void {
    const { arena } = this;
    const canWait = arena instanceof AsyncFixedArena || arena instanceof AsyncBuddyArena;
    if (!canWait || this.waiting >= 3 || arena instanceof RawSharedFixedArena || arena instanceof RawSharedBuddyArena) {
      return;
    }
    this.waiting++;
    void arena.allocateAsync(this.lengthFor(a)).then((buffer) => {
      this.waiting--;
      assertZero(visible(buffer), 'a buffer that was waited for');
      this.buffers.push(buffer);
    });
  }

  private issue(item: Frozen | undefined): void {
    if (item === undefined) return;
    if (this.channel === undefined || !this.isArenas(item.bytes)) this.frozen.push(item);
    else this.tickets.push({ ticket: item.bytes.toTicket(), content: item.content });
  }

  private redeem(item: { readonly ticket: Ticket; readonly content: Uint8Array | undefined } | undefined): void {
    const { arena } = this;
    if (item === undefined || !(arena instanceof SharedFixedArena || arena instanceof SharedBuddyArena)) return;
    this.frozen.push({ bytes: arena.redeem(item.ticket), content: item.content });
  }

  private send(item: Frozen | undefined): void {
    if (item === undefined) return;
    if (this.isArenas(item.bytes) && this.channel?.trySend(item.bytes) === true) this.sent.push(item.content);
    else this.frozen.push(item);
  }

  private receive(): void {
    const bytes = this.channel?.tryReceive();
    if (bytes !== undefined) this.frozen.push({ bytes, content: this.sent.shift() });
  }

  private isArenas(bytes: Bytes): boolean {
    const { owner } = (bytes as unknown as { readonly allocation: Allocation }).allocation;
    return bytes.isEmpty || 'metrics' in owner;
  }

  private grow(): void {
    const { wasm } = this.ground ?? {};
    if (wasm !== undefined && wasm.buffer.byteLength < 6 * 65_536) wasm.grow(1);
  }

  /** Shrinks the memory, releases and allocates while it is small, and grows it again with fresh memory. */
  private shrink(a: number, b: number): void {
    const { resizable } = this.ground ?? {};
    if (resizable === undefined) return;
    this.kept = Math.min(this.kept, a % 1200);
    for (const item of this.frozen) item.content = undefined;
    resizable.resize(a % 1200);
    take(this.buffers, b)?.abandon();
    take(this.frozen, b)?.bytes.release();
    take(this.regions, b)?.release();
    const cold = this.arena.tryAllocate(this.lengthFor(b));
    if ((b & 1) === 0) cold?.abandon();
    else if (cold !== undefined) this.buffers.push(cold);
    resizable.resize(1200);
  }
}

function roomOf(handle: Handle): number {
  return 'putBytes' in handle ? handle.capacity - handle.length : 0;
}

function pick<T>(from: readonly T[], a: number): T | undefined {
  return from[a % Math.max(1, from.length)];
}

function take<T>(from: T[], a: number): T | undefined {
  return from.splice(a % Math.max(1, from.length), 1)[0];
}
