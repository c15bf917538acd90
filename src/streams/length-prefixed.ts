import { checkInteger } from '../base/check.js';
import { Bytes } from '../index.js';
import { type Framed, recordsOf } from './framed.js';
import { FramingError, tooLarge } from './framing-error.js';
import type { FramedRecord } from './partial-record.js';
import { type RecordOptions, RecordParser } from './record-parser.js';
import { checkSource, type Source, type StoppableIterator } from './stoppable.js';

export interface LengthPrefixOptions extends RecordOptions {
  /**
   * Size of the length field in bytes, 1 to 8, or `'varint'` for a variable-length integer as in Protocol Buffers.
   * Default 4.
   */
  readonly prefixBytes?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 'varint' | undefined;
  /** Whether the length field is little-endian. Default false, which means network byte order. */
  readonly littleEndian?: boolean | undefined;
  /** Bytes before the length field, for example a type. Default 0. */
  readonly lengthOffset?: number | undefined;
  /**
   * What to add to the length to get the number of bytes behind the length field: negative when the length counts the
   * header too. Default 0.
   */
  readonly lengthAdjustment?: number | undefined;
  /** How many bytes of the header a record does not contain. Default: the whole header. */
  readonly strip?: number | undefined;
}

const DEFAULT_RECORD = 1024 * 1024;
const LONGEST_VARINT = 10;

/**
 * Cuts chunks into records and takes ownership of the chunks that it reads. A length field before each record gives its
 * length in bytes. A record within one chunk is a slice of it. A record that straddles chunks is copied, unless `pieces`
 * says otherwise.
 *
 *     | lengthOffset | length field | length + lengthAdjustment |
 *     |-- header, of which `strip` bytes are dropped --|-- at most maxLength --|
 *
 * `maxLength` is 1 MiB by default. The options are those of Netty's `LengthFieldBasedFrameDecoder`.
 * @throws TypeError unless `chunks` can be iterated; TypeError, RangeError for bad options; when iterated, FramingError
 *   RECORD_TOO_LARGE, RECORD_MALFORMED for a length that is negative after the adjustment or a bad varint, or
 *   RECORD_TRUNCATED when the stream ends in the middle of a record
 */
export function lengthPrefixed<const Options extends LengthPrefixOptions = Record<never, never>>(
  chunks: Source<Bytes>,
  options?: Options,
): StoppableIterator<Framed<Options>> {
  checkSource(chunks, 'chunks');
  return recordsOf(chunks, new PrefixedParser(options ?? {}), options);
}

class PrefixedParser extends RecordParser {
  /** Bytes of the length field; 0 for a varint. */
  private readonly fieldBytes: number;
  private readonly littleEndian: boolean;
  private readonly offset: number;
  private readonly adjustment: number;
  private readonly strip: number | undefined;
  /** The part of a header that straddles chunks. */
  private readonly header: Uint8Array;
  private filled = 0;
  /** Bytes of the record that have not arrived; -1 before the header is read. */
  private missing = -1;
  private isSkipping = false;

  constructor(options: LengthPrefixOptions) {
    super(options, DEFAULT_RECORD, 0);
    const { prefixBytes = 4, littleEndian = false, strip } = options;
    this.fieldBytes = prefixBytes === 'varint' ? 0 : checkInteger(prefixBytes, 'prefixBytes', 1, 8);
    this.littleEndian = littleEndian;
    this.offset = checkInteger(options.lengthOffset ?? 0, 'lengthOffset', 0, 2 ** 16);
    this.adjustment = checkInteger(options.lengthAdjustment ?? 0, 'lengthAdjustment', -(2 ** 31), 2 ** 31);
    // The shortest header: a varint has one byte or more.
    const shortest = this.offset + (this.fieldBytes || 1);
    this.strip = strip === undefined ? undefined : checkInteger(strip, 'strip', 0, shortest);
    this.header = new Uint8Array(this.offset + (this.fieldBytes || LONGEST_VARINT));
  }

  protected override parse(chunk: Bytes): FramedRecord | undefined {
    for (;;) {
      if (this.missing < 0 && !this.readHeader(chunk)) return undefined;
      const { at, missing } = this;
      const end = Math.min(at + missing, chunk.length);
      this.at = end;
      this.missing -= end - at;
      if (this.isSkipping) {
        if (this.missing > 0) return undefined;
        this.startNext();
      } else if (this.missing > 0) {
        this.partial.append(chunk.slice(at, end), this.missing);
        return undefined;
      } else {
        this.startNext();
        return this.partial.finish(chunk.slice(at, end));
      }
    }
  }

  override end(): undefined {
    if (this.missing < 0 && this.filled === 0) return;
    throw new FramingError('RECORD_TRUNCATED', 'the stream ended in the middle of a record');
  }

  private startNext(): void {
    this.missing = -1;
    this.filled = 0;
    this.isSkipping = false;
  }

  /** Reads the header. @returns false when the rest of it has not arrived yet */
  private readHeader(chunk: Bytes): boolean {
    const { content } = this;
    const whole = this.filled === 0 ? this.headerLength(content, this.at, content.length) : -1;
    if (whole >= 0) {
      const from = this.at;
      this.at += whole;
      this.begin(content, from, whole);
      const kept = whole - (this.strip ?? whole);
      if (kept > 0 && !this.isSkipping) this.partial.append(chunk.slice(this.at - kept, this.at));
      return true;
    }
    while (this.at < content.length) {
      this.header[this.filled++] = content[this.at++] as number;
      const length = this.headerLength(this.header, 0, this.filled);
      if (length < 0) continue;
      this.begin(this.header, 0, length);
      const kept = this.header.slice(this.strip ?? length, length);
      if (!this.isSkipping) this.partial.append(Bytes.wrap(kept));
      return true;
    }
    return false;
  }

  /** The length of the header that begins at `from`, or -1 when it does not end before `end`. */
  private headerLength(bytes: Uint8Array, from: number, end: number): number {
    const { fieldBytes, offset } = this;
    if (fieldBytes > 0) return from + offset + fieldBytes <= end ? offset + fieldBytes : -1;
    for (let length = 1; length <= LONGEST_VARINT && from + offset + length <= end; length++) {
      if ((bytes[from + offset + length - 1] as number) < 0x80) return offset + length;
    }
    if (from + offset + LONGEST_VARINT > end) return -1;
    throw new FramingError('RECORD_MALFORMED', `the length is a varint of more than ${LONGEST_VARINT} bytes`);
  }

  /** Starts the record whose header lies at `from`. */
  private begin(bytes: Uint8Array, from: number, headerLength: number): void {
    const length = this.lengthIn(bytes, from + this.offset, from + headerLength);
    const body = length + this.adjustment;
    if (body < 0) throw new FramingError('RECORD_MALFORMED', `a length of ${length} makes a record of ${body} bytes`);
    this.missing = body;
    this.isSkipping = body > this.maxLength;
    // A length that a number cannot hold exactly cannot be skipped either.
    if (this.isSkipping && !(this.skips && Number.isSafeInteger(body))) {
      throw tooLarge(`record of ${body} bytes`, this.maxLength);
    }
  }

  /** The number in `[from, to)`. Beyond 2^53 it is rounded. */
  private lengthIn(bytes: Uint8Array, from: number, to: number): number {
    let value = 0;
    if (this.fieldBytes === 0) {
      for (let at = to - 1; at >= from; at--) value = value * 128 + ((bytes[at] as number) & 0x7f);
    } else if (this.littleEndian) {
      for (let at = to - 1; at >= from; at--) value = value * 256 + (bytes[at] as number);
    } else {
      for (let at = from; at < to; at++) value = value * 256 + (bytes[at] as number);
    }
    return value;
  }
}
