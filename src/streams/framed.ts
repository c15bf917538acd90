import { describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import type { FramedRecord } from './partial-record.js';
import { type RecordBatch, RecordBatches } from './record-batch.js';
import { RecordIterator } from './record-iterator.js';
import type { RecordOptions, RecordParser } from './record-parser.js';
import type { Source, StoppableIterator } from './stoppable.js';

/** What an iterator gives for these options: a record or a batch of records, each as `Bytes` or, maybe, as a list. */
export type Framed<Options extends RecordOptions> =
  | (true extends Option<Options, 'batches'> ? RecordBatch<RecordOf<Options>> : never)
  | (undefined extends Option<Options, 'batches'> ? RecordOf<Options> : never);

type RecordOf<Options extends RecordOptions> = [Option<Options, 'pieces'>] extends [false | undefined]
  ? Bytes
  : FramedRecord;

type Option<Options, Name> = Name extends keyof Options ? Options[Name] : undefined;

/** The iterator over what `parser` finds in `chunks`. */
export function recordsOf<Options extends RecordOptions>(
  chunks: Source<Bytes>,
  parser: RecordParser,
  options: Options | undefined,
): StoppableIterator<Framed<Options>> {
  const batches: unknown = options?.batches;
  if (batches !== undefined && batches !== true) throw new TypeError(`batches must be true, got ${describe(batches)}`);
  const records: StoppableIterator<unknown> = batches
    ? new RecordIterator(chunks, new RecordBatches(parser))
    : new RecordIterator(chunks, parser);
  return records as StoppableIterator<Framed<Options>>;
}
