import { checkInteger, describe } from '../base/check.js';
import { contentOf } from '../handles/content.js';
import { Bytes } from '../index.js';
import { type FramedRecord, PartialRecord } from './partial-record.js';

export interface RecordOptions {
  /** The most bytes in a record, without what delimits it. */
  readonly maxLength?: number | undefined;
  /** What happens to a longer record: `'error'`, the default, ends the reading; `'skip'` drops the record. */
  readonly tooLong?: 'error' | 'skip' | undefined;
  /**
   * Whether a record that straddles chunks is a `BytesList` of its pieces, not copied. Default false: it is copied
   * together on the heap, and every record is one `Bytes`. Pieces are copied all the same when there are more than 16,
   * or when somebody waits for memory of the arena meanwhile. In a shared arena only the waits of the same thread
   * count.
   */
  readonly pieces?: boolean | undefined;
  /** `true`: the iterator gives a {@link RecordBatch} for each chunk, instead of record by record. */
  readonly batches?: true | undefined;
}

/** Finds the records in one chunk after the other. */
export abstract class RecordParser {
  protected chunk: Bytes | undefined;
  /** The bytes of the chunk, and the index of the first one that is not parsed. */
  protected content: Uint8Array = NOTHING;
  protected at = 0;
  protected readonly partial: PartialRecord;
  protected readonly maxLength: number;
  protected readonly skips: boolean;

  constructor(options: RecordOptions, defaultMost: number, least: number) {
    this.maxLength = checkInteger(options.maxLength ?? defaultMost, 'maxLength', least);
    const { tooLong = 'error', pieces = false } = options;
    if (tooLong !== 'error' && tooLong !== 'skip') {
      throw new TypeError(`tooLong must be 'error' or 'skip', got ${describe(tooLong)}`);
    }
    if (typeof pieces !== 'boolean') throw new TypeError(`pieces must be a boolean, got ${describe(pieces)}`);
    this.skips = tooLong === 'skip';
    this.partial = new PartialRecord(pieces);
  }

  /** Takes the next chunk over. The one before is used up. @throws TypeError unless it is Bytes */
  feed(chunk: unknown): void {
    if (!(chunk instanceof Bytes)) throw new TypeError(`a chunk must be Bytes, got ${describe(chunk)}`);
    this.chunk = chunk;
    this.content = contentOf(chunk);
    this.at = 0;
  }

  /** Returns the next record, or undefined when the chunk is used up. @throws FramingError */
  take(): FramedRecord | undefined {
    const { chunk } = this;
    if (chunk === undefined) return undefined;
    // The view was made once for all records. It is empty after a WebAssembly.Memory grew.
    if (this.content.length !== chunk.length) this.content = contentOf(chunk);
    const record = this.parse(chunk);
    if (record === undefined) {
      this.chunk = undefined;
      this.content = NOTHING;
      Bytes.giveBack(chunk);
    }
    return record;
  }

  /** Returns what is left at the end of the stream. @throws FramingError */
  abstract end(): FramedRecord | undefined;

  release(): void {
    if (this.chunk !== undefined) Bytes.giveBack(this.chunk);
    this.chunk = undefined;
    this.content = NOTHING;
    this.partial.release();
  }

  /** Returns the next record of `chunk`, or undefined after it has kept what belongs to an unfinished record. */
  protected abstract parse(chunk: Bytes): FramedRecord | undefined;
}

const NOTHING = new Uint8Array(0);
