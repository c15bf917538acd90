import { Bytes } from '../index.js';
import { BytesList, giveBack, viewsOf } from '../streams/bytes-list.js';

/** Bytes that several outboxes send. They hold it by count, and the memory comes back when the last one is done. */
export class Frame {
  readonly length: number;
  /** What to write. A copy where the memory may move before it was written. */
  readonly pieces: readonly Piece[];
  private readonly bytes: Bytes | BytesList;
  private holders = 1;

  /** Takes `bytes` over. */
  constructor(bytes: Bytes | BytesList) {
    const own = takeOver(bytes);
    this.bytes = own;
    this.length = own.length;
    const views = own.isEmpty ? [] : mayMove(own) ? [own.toUint8Array()] : viewsOf(own);
    this.pieces = views.map(pieceOf);
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders === 0) giveBack(this.bytes);
  }
}

/** A piece of a frame, and its place. It is read once for each receiver, and a view gives its place slowly. */
export interface Piece {
  /** A Buffer: a stream would make one of any other view, once for each receiver. */
  readonly view: Buffer;
  readonly memory: ArrayBufferLike;
  readonly start: number;
  readonly end: number;
}

function pieceOf({ buffer: memory, byteOffset: start, length }: Uint8Array): Piece {
  return { view: Buffer.from(memory, start, length), memory, start, end: start + length };
}

/** Moves the content of `bytes` to a new handle, and releases `bytes`. */
export function takeOver(bytes: Bytes | BytesList): Bytes | BytesList {
  const own = bytes instanceof BytesList ? bytes.split(bytes.length) : bytes.clone();
  giveBack(bytes);
  return own;
}

/** Whether the memory is that of a WebAssembly.Memory. When it grows, a view that waits to be written becomes empty. */
function mayMove(bytes: Bytes | BytesList): boolean {
  const pieces = bytes instanceof BytesList ? [...bytes] : [bytes];
  return pieces.some((piece) => Bytes.placeOf(piece).allocation.memory.mayMove);
}
