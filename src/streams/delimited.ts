import { runOf } from '../handles/content.js';
import { Bytes, type Needle } from '../index.js';
import { indexOfByte, indexOfBytes } from '../memory/search.js';
import { BytesList, giveBack } from './bytes-list.js';
import { type Framed, recordsOf } from './framed.js';
import { tooLarge } from './framing-error.js';
import type { FramedRecord } from './partial-record.js';
import { type RecordOptions, RecordParser } from './record-parser.js';
import { checkSource, type Source, type StoppableIterator } from './stoppable.js';

const LINE_FEED: Uint8Array = Uint8Array.of(10);
const CARRIAGE_RETURN = 13;
const DEFAULT_RECORD = 64 * 1024;

/**
 * Cuts chunks into lines and takes ownership of the chunks that it reads. A line ends with `\n` or `\r\n`, which is not
 * part of it; the last line needs no line end. A line within one chunk is a slice of it. A line that straddles chunks
 * is copied, unless `pieces` says otherwise. `maxLength` is 64 KiB by default.
 * @throws TypeError unless `chunks` can be iterated; TypeError, RangeError for bad options; when iterated, FramingError
 *   RECORD_TOO_LARGE
 */
export function splitLines<const Options extends RecordOptions = Record<never, never>>(
  chunks: Source<Bytes>,
  options?: Options,
): StoppableIterator<Framed<Options>> {
  checkSource(chunks, 'chunks');
  return recordsOf(chunks, new DelimitedParser(LINE_FEED, true, options ?? {}), options);
}

/**
 * As {@link splitLines}, for any `delimiter`: a byte, a text (as UTF-8) or a run of bytes, for example `'\r\n\r\n'`. It
 * may straddle chunks. What follows the last delimiter is a record too, unless it is empty.
 * @throws as {@link splitLines}; RangeError for an empty delimiter
 */
export function splitOn<const Options extends RecordOptions = Record<never, never>>(
  chunks: Source<Bytes>,
  delimiter: Needle,
  options?: Options,
): StoppableIterator<Framed<Options>> {
  checkSource(chunks, 'chunks');
  const run = runOf(delimiter, 'delimiter').slice();
  if (run.length === 0) throw new RangeError('delimiter must not be empty');
  return recordsOf(chunks, new DelimitedParser(run, false, options ?? {}), options);
}

class DelimitedParser extends RecordParser {
  private readonly delimiter: Uint8Array;
  private readonly isLines: boolean;
  /** The most bytes without a delimiter: there may be a carriage return, and a part of the delimiter. */
  private readonly mostOpen: number;
  private isSkipping = false;

  constructor(delimiter: Uint8Array, isLines: boolean, options: RecordOptions) {
    super(options, DEFAULT_RECORD, 1);
    this.delimiter = delimiter;
    this.isLines = isLines;
    this.mostOpen = this.maxLength + (isLines ? 1 : 0) + delimiter.length - 1;
  }

  protected override parse(chunk: Bytes): FramedRecord | undefined {
    const { delimiter } = this;
    if (this.at === 0 && delimiter.length > 1 && !this.partial.isEmpty) {
      const record = this.takeStraddled(chunk);
      if (record !== undefined) return record;
    }
    for (;;) {
      const { content, at } = this;
      const end =
        delimiter.length === 1
          ? indexOfByte(content, delimiter[0] as number, at)
          : indexOfBytes(content, delimiter, at);
      if (end < 0) {
        this.keep(chunk.slice(at));
        return undefined;
      }
      this.at = end + delimiter.length;
      const record = this.checked(this.partial.finish(chunk.slice(at, end)));
      if (record !== undefined) return record;
    }
  }

  override end(): FramedRecord | undefined {
    return this.partial.isEmpty || this.isSkipping ? undefined : this.checkedLength(this.partial.finish(Bytes.empty));
  }

  /** The record whose delimiter began in the chunks before. */
  private takeStraddled(chunk: Bytes): FramedRecord | undefined {
    const { delimiter, partial, content } = this;
    const tail = partial.tail(delimiter.length - 1);
    const head = content.subarray(0, delimiter.length - 1);
    const border = new Uint8Array(tail.length + head.length);
    border.set(tail);
    border.set(head, tail.length);
    const found = indexOfBytes(border, delimiter, 0);
    if (found < 0) return undefined;
    this.at = found + delimiter.length - tail.length;
    const length = partial.length + found - tail.length;
    return this.checked(shortened(partial.finish(chunk.slice(0, 0)), length));
  }

  /** Keeps the beginning of a record that has not ended yet. */
  private keep(rest: Bytes): void {
    const length = this.partial.length + rest.length;
    if (length <= this.mostOpen && !this.isSkipping) {
      this.partial.append(rest);
      return;
    }
    if (!this.skips) {
      Bytes.giveBack(rest);
      throw tooLarge(this.isLines ? 'line' : 'record', this.maxLength);
    }
    this.isSkipping = true;
    this.partial.append(rest);
    const tail = this.partial.tail(this.delimiter.length - 1);
    this.partial.release();
    this.partial.append(Bytes.wrap(tail));
  }

  /** Returns the record, or undefined when it is skipped. @throws FramingError RECORD_TOO_LARGE */
  private checked(record: FramedRecord): FramedRecord | undefined {
    if (this.isSkipping) {
      this.isSkipping = false;
      giveBack(record);
      return undefined;
    }
    return this.checkedLength(this.isLines ? withoutCarriageReturn(record) : record);
  }

  private checkedLength(record: FramedRecord): FramedRecord | undefined {
    if (record.length <= this.maxLength) return record;
    giveBack(record);
    if (this.skips) return undefined;
    throw tooLarge(this.isLines ? 'line' : 'record', this.maxLength);
  }
}

function withoutCarriageReturn(line: FramedRecord): FramedRecord {
  const last = line.length - 1;
  return last < 0 || line.at(last) !== CARRIAGE_RETURN ? line : shortened(line, last);
}

function shortened(record: FramedRecord, length: number): FramedRecord {
  if (!(record instanceof BytesList)) {
    record.truncate(length);
    return record;
  }
  try {
    return record.split(length);
  } finally {
    record.release();
  }
}
