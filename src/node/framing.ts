import { checkInteger } from '../base/check.js';
import { ArenaError, type Bytes } from '../index.js';
import { BytesList, giveBack } from './bytes-list.js';
import { PartialRecord } from './partial-record.js';
import { checkSource, type Source, type StoppableIterator, stoppable, stoppedBy } from './stoppable.js';

/** The reason why a stream could not be cut into records. */
export type FramingErrorCode = 'RECORD_TOO_LARGE' | 'RECORD_TRUNCATED';

/** Thrown when a record is longer than allowed, or when the stream ends in the middle of one. */
export class FramingError extends ArenaError {
  override readonly name: string = 'FramingError';
  declare readonly code: FramingErrorCode;

  constructor(code: FramingErrorCode, message: string) {
    super(code, message);
  }
}

/** A record in one piece, or a list of its pieces. The consumer releases it. */
export type FramedRecord = Bytes | BytesList;

interface PieceOptions {
  /**
   * The most chunks that an incomplete record holds. Default 0: a record that straddles chunks is copied together on
   * the heap, and every record is one `Bytes`. With 1 or more, such a record is a `BytesList` of its pieces, not
   * copied, unless it comes in more chunks or somebody waits for memory of the arena meanwhile. In a shared arena only
   * the waits of the same thread count.
   */
  readonly maxPieces?: number | undefined;
}

export interface LineOptions extends PieceOptions {
  /** The most bytes in a line, without its line end. Default 64 KiB. */
  readonly maxLength?: number | undefined;
}

export interface LengthPrefixOptions extends PieceOptions {
  /** Size of the length prefix in bytes: 1, 2 or 4. Default 4. */
  readonly prefixBytes?: 1 | 2 | 4 | undefined;
  /** Whether the length prefix is little-endian. Default false, which means network byte order. */
  readonly littleEndian?: boolean | undefined;
  /** The most bytes in a record, without its length prefix. Default 1 MiB. */
  readonly maxLength?: number | undefined;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DEFAULT_LINE = 64 * 1024;
const DEFAULT_RECORD = 1024 * 1024;

/**
 * Cuts chunks into lines and takes ownership of the chunks that it reads. A line ends with `\n` or `\r\n`, which is not
 * part of it; the last line needs no line end. A line within one chunk is a slice of it. A line that straddles chunks
 * is copied, unless `maxPieces` says otherwise.
 * @throws TypeError unless `chunks` can be iterated; RangeError for bad options; when iterated, FramingError
 *   RECORD_TOO_LARGE
 */
export function splitLines(
  chunks: Source<Bytes>,
  options?: LineOptions & { readonly maxPieces?: 0 | undefined },
): StoppableIterator<Bytes>;
export function splitLines(chunks: Source<Bytes>, options: LineOptions): StoppableIterator<FramedRecord>;
export function splitLines(chunks: Source<Bytes>, options: LineOptions = {}): StoppableIterator<FramedRecord> {
  checkSource(chunks, 'chunks');
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_LINE, 'maxLength', 1);
  const maxPieces = checkInteger(options.maxPieces ?? 0, 'maxPieces', 0);
  return stoppable(undefined, (stop) => lines(stoppedBy(chunks, stop), maxLength, maxPieces, stop));
}

async function* lines(
  chunks: AsyncIterable<Bytes>,
  maxLength: number,
  maxPieces: number,
  stop: AbortSignal,
): AsyncGenerator<FramedRecord, undefined> {
  const partial = new PartialRecord(maxPieces);
  // One byte more is allowed, because the last byte may be the carriage return of the line end.
  const checkLength = (length: number): void => {
    if (length > maxLength + 1) throw tooLarge('line', maxLength);
  };
  try {
    for await (const chunk of chunks) {
      try {
        stop.throwIfAborted(); // return() came while this chunk was awaited
        for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED)) {
          checkLength(partial.length + at);
          const line = withoutCarriageReturn(partial.finish(chunk.splitTo(at)));
          chunk.advance(1);
          yield checked(line, maxLength);
        }
        checkLength(partial.length + chunk.length);
        partial.append(chunk.splitTo(chunk.length));
      } finally {
        chunk[Symbol.dispose]();
      }
    }
    stop.throwIfAborted();
    if (partial.length > 0) yield checked(partial.finish(), maxLength);
    return undefined;
  } finally {
    partial.release();
  }
}

/** Returns `line` if it is short enough, else releases it and throws. */
function checked(line: FramedRecord, maxLength: number): FramedRecord {
  if (line.length <= maxLength) return line;
  giveBack(line);
  throw tooLarge('line', maxLength);
}

function withoutCarriageReturn(line: FramedRecord): FramedRecord {
  const last = line.length - 1;
  if (last < 0 || line.at(last) !== CARRIAGE_RETURN) return line;
  if (!(line instanceof BytesList)) {
    line.truncate(last);
    return line;
  }
  try {
    return line.split(last);
  } finally {
    line.release();
  }
}

/**
 * Cuts chunks into records and takes ownership of the chunks that it reads. A prefix before each record gives its
 * length in bytes. A record within one chunk is a slice of it. A record that straddles chunks is copied, unless
 * `maxPieces` says otherwise.
 * @throws TypeError unless `chunks` can be iterated; RangeError for bad options; when iterated, FramingError
 *   RECORD_TOO_LARGE, or RECORD_TRUNCATED when the stream ends in the middle of a record
 */
export function lengthPrefixed(
  chunks: Source<Bytes>,
  options?: LengthPrefixOptions & { readonly maxPieces?: 0 | undefined },
): StoppableIterator<Bytes>;
export function lengthPrefixed(chunks: Source<Bytes>, options: LengthPrefixOptions): StoppableIterator<FramedRecord>;
export function lengthPrefixed(
  chunks: Source<Bytes>,
  options: LengthPrefixOptions = {},
): StoppableIterator<FramedRecord> {
  checkSource(chunks, 'chunks');
  const { prefixBytes = 4, littleEndian = false } = options;
  if (prefixBytes !== 1 && prefixBytes !== 2 && prefixBytes !== 4) {
    throw new RangeError(`prefixBytes must be 1, 2 or 4, got ${String(prefixBytes)}`);
  }
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_RECORD, 'maxLength', 0, 2 ** 32 - 1);
  const maxPieces = checkInteger(options.maxPieces ?? 0, 'maxPieces', 0);
  const prefix = new Prefix(prefixBytes, littleEndian);
  return stoppable(undefined, (stop) => records(stoppedBy(chunks, stop), prefix, maxLength, maxPieces, stop));
}

async function* records(
  chunks: AsyncIterable<Bytes>,
  prefix: Prefix,
  maxLength: number,
  maxPieces: number,
  stop: AbortSignal,
): AsyncGenerator<FramedRecord, undefined> {
  const partial = new PartialRecord(maxPieces);
  let length = -1;
  try {
    for await (const chunk of chunks) {
      try {
        stop.throwIfAborted(); // return() came while this chunk was awaited
        for (;;) {
          if (length < 0) {
            length = prefix.read(chunk);
            if (length < 0) break;
            if (length > maxLength) throw tooLarge(`record of ${length} bytes`, maxLength);
          }
          const missing = length - partial.length;
          if (chunk.length < missing) {
            partial.append(chunk.splitTo(chunk.length));
            break;
          }
          const record = partial.finish(chunk.splitTo(missing));
          length = -1;
          yield record;
        }
      } finally {
        chunk[Symbol.dispose]();
      }
    }
    stop.throwIfAborted();
    if (length >= 0 || prefix.isPartial) {
      throw new FramingError('RECORD_TRUNCATED', 'the stream ended in the middle of a record');
    }
    return undefined;
  } finally {
    partial.release();
  }
}

/** Reads the length before a record. The prefix may straddle chunks too. */
class Prefix {
  private readonly byteCount: number;
  private readonly littleEndian: boolean;
  private value = 0;
  private filled = 0;

  constructor(byteCount: number, littleEndian: boolean) {
    this.byteCount = byteCount;
    this.littleEndian = littleEndian;
  }

  get isPartial(): boolean {
    return this.filled > 0;
  }

  /** Takes the prefix off the front of `chunk`. @returns its value, or -1 when the rest of it has not arrived yet */
  read(chunk: Bytes): number {
    while (this.filled < this.byteCount && !chunk.isEmpty) {
      const byte = chunk.getU8();
      this.value = this.littleEndian ? this.value + byte * 256 ** this.filled : this.value * 256 + byte;
      this.filled++;
    }
    if (this.filled < this.byteCount) return -1;
    const { value } = this;
    this.value = 0;
    this.filled = 0;
    return value;
  }
}

function tooLarge(what: string, maxLength: number): FramingError {
  return new FramingError('RECORD_TOO_LARGE', `${what} exceeds the limit of ${maxLength} bytes (maxLength)`);
}
