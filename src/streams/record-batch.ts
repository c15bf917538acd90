import { giveBack } from './bytes-list.js';
import type { FramedRecord } from './partial-record.js';
import type { RecordParser } from './record-parser.js';

/**
 * The records of one chunk. They are found while they are iterated, without a promise for each. The consumer releases
 * each record that it takes. A batch can be iterated once, and until the next batch is asked for. What was not taken by
 * then is released.
 */
export class RecordBatch<Framed extends FramedRecord = FramedRecord> implements IterableIterator<Framed, undefined> {
  private first: Framed | undefined;
  private parser: RecordParser | undefined;

  /** @internal */
  constructor(first: Framed, parser: RecordParser) {
    this.first = first;
    this.parser = parser;
  }

  /** @throws FramingError, as the iterator of the batches does */
  next(): IteratorResult<Framed, undefined> {
    const { first } = this;
    if (first !== undefined) {
      this.first = undefined;
      return { done: false, value: first };
    }
    const record = this.parser?.take();
    if (record !== undefined) return { done: false, value: record as Framed };
    this.parser = undefined;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** @internal Releases what was not taken, and goes to the end of the chunk. */
  finish(): void {
    for (const record of this) giveBack(record);
  }

  /** @internal Ends the batch after its parser gave everything back. */
  abandon(): void {
    if (this.first !== undefined) giveBack(this.first);
    this.first = undefined;
    this.parser = undefined;
  }
}

/** Gives the records of a parser in batches. */
export class RecordBatches {
  private readonly parser: RecordParser;
  private batch: RecordBatch | undefined;

  constructor(parser: RecordParser) {
    this.parser = parser;
  }

  feed(chunk: unknown): void {
    this.parser.feed(chunk);
  }

  take(): RecordBatch | undefined {
    this.batch?.finish();
    return this.begin(this.parser.take());
  }

  end(): RecordBatch | undefined {
    return this.begin(this.parser.end());
  }

  release(): void {
    this.batch?.abandon();
    this.batch = undefined;
    this.parser.release();
  }

  private begin(first: FramedRecord | undefined): RecordBatch | undefined {
    this.batch = first === undefined ? undefined : new RecordBatch(first, this.parser);
    return this.batch;
  }
}
