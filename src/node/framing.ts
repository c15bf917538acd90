import { checkInteger } from '../base/check.js';
import { ArenaError, type Bytes } from '../index.js';
import { BytesList, giveBack } from './bytes-list.js';
import { PartialRecord } from './partial-record.js';
import { type StoppableIterator, stoppable, stoppedBy } from './stoppable.js';

/** Why a stream could not be cut into records. */
export type FramingErrorCode = 'RECORD_TOO_LARGE' | 'RECORD_TRUNCATED';

/** A record is longer than was allowed, or the stream ended within one. */
export class FramingError extends ArenaError {
  override readonly name: string = 'FramingError';
  declare readonly code: FramingErrorCode;

  constructor(code: FramingErrorCode, message: string) {
    super(code, message);
  }
}

/** A record: in one piece where it lay in one chunk, else a list of its pieces. Release it. */
export type FramedRecord = Bytes | BytesList;

interface PieceOptions {
  /**
   * Most chunks that a record which is not complete holds on to. What comes in more is copied to the heap: a peer who drips his
   * bytes would else hold a slot with each of them, and a record longer than the arena would wait for ever. Default 4; the
   * arena needs room for that many chunks and those under way.
   */
  readonly maxPieces?: number | undefined;
}

export interface LineOptions extends PieceOptions {
  /** Most bytes of a line, its end not counted. Default 64 KiB. */
  readonly maxLength?: number | undefined;
}

export interface LengthPrefixOptions extends PieceOptions {
  /** Bytes of the length before each record: 1, 2 or 4. Default 4. */
  readonly prefixBytes?: 1 | 2 | 4 | undefined;
  /** Whether the length is little endian. Default false: network order. */
  readonly littleEndian?: boolean | undefined;
  /** Most bytes of a record, its length prefix not counted. Default 1 MiB. */
  readonly maxLength?: number | undefined;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DEFAULT_LINE = 64 * 1024;
const DEFAULT_RECORD = 1024 * 1024;
const DEFAULT_PIECES = 4;

/**
 * The lines of a stream, without their ends (`\n` or `\r\n`), not copied; the last one need not have an end. Takes the chunks
 * over.
 * @throws RangeError for bad options; when iterated, FramingError RECORD_TOO_LARGE
 */
export function splitLines(chunks: AsyncIterable<Bytes>, options: LineOptions = {}): StoppableIterator<FramedRecord> {
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_LINE, 'maxLength', 1);
  const maxPieces = checkInteger(options.maxPieces ?? DEFAULT_PIECES, 'maxPieces', 1);
  return stoppable(undefined, (stop) => lines(stoppedBy(chunks, stop), maxLength, maxPieces, stop));
}

async function* lines(
  chunks: AsyncIterable<Bytes>,
  maxLength: number,
  maxPieces: number,
  stop: AbortSignal,
): AsyncGenerator<FramedRecord, undefined> {
  using partial = new PartialRecord(maxPieces);
  // A carriage return may yet turn out to belong to the end.
  const checkLength = (length: number): void => {
    if (length > maxLength + 1) throw tooLarge('line', maxLength);
  };
  for await (using chunk of chunks) {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED)) {
      checkLength(partial.length + at);
      const line = withoutCarriageReturn(partial.finish(chunk.splitTo(at)));
      chunk.advance(1);
      yield checked(line, maxLength);
    }
    checkLength(partial.length + chunk.length);
    partial.append(chunk.splitTo(chunk.length));
  }
  stop.throwIfAborted();
  if (partial.length > 0) yield checked(partial.finish(), maxLength);
  return undefined;
}

/** `line`, or its release and an error. */
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
  using whole = line;
  return whole.split(last);
}

/**
 * The records of a stream in which each follows its length in bytes, not copied. Takes the chunks over.
 * @throws RangeError for bad options; when iterated, FramingError RECORD_TOO_LARGE, or RECORD_TRUNCATED when the stream
 *   ends within a record
 */
export function lengthPrefixed(
  chunks: AsyncIterable<Bytes>,
  options: LengthPrefixOptions = {},
): StoppableIterator<FramedRecord> {
  const { prefixBytes = 4, littleEndian = false } = options;
  if (prefixBytes !== 1 && prefixBytes !== 2 && prefixBytes !== 4) {
    throw new RangeError(`prefixBytes must be 1, 2 or 4, got ${String(prefixBytes)}`);
  }
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_RECORD, 'maxLength', 0, 2 ** 32 - 1);
  const maxPieces = checkInteger(options.maxPieces ?? DEFAULT_PIECES, 'maxPieces', 1);
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
  using partial = new PartialRecord(maxPieces);
  let length = -1;
  for await (using chunk of chunks) {
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
  }
  stop.throwIfAborted();
  if (length >= 0 || prefix.isPartial) {
    throw new FramingError('RECORD_TRUNCATED', 'the stream ended within a record');
  }
  return undefined;
}

/** The length before a record, which may straddle chunks too. */
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

  /** Takes the prefix off the front of `chunk`: its value, or -1 when the rest of it is yet to come. */
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
  return new FramingError('RECORD_TOO_LARGE', `${what} exceeds the limit of ${maxLength} bytes`);
}
