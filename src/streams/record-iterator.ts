import { Bytes } from '../index.js';
import { SteppedIterator } from './stepped-iterator.js';
import { iteratorOf, type Source } from './stoppable.js';

/** Makes results of chunks, without waiting. */
interface Parser<Result> {
  feed(chunk: unknown): void;
  take(): Result | undefined;
  end(): Result | undefined;
  release(): void;
}

/** The results of a parser, one by one. Only at the end of a chunk does anybody wait. */
export class RecordIterator<Result> extends SteppedIterator<Result> {
  private readonly source: ReturnType<typeof iteratorOf<Bytes>>;
  private readonly parser: Parser<Result>;
  private hasSourceEnded = false;

  constructor(source: Source<Bytes>, parser: Parser<Result>) {
    super();
    this.source = iteratorOf(source);
    this.parser = parser;
  }

  protected override take(): Result | undefined {
    const value = this.parser.take();
    return value === undefined && this.hasSourceEnded ? this.parser.end() : value;
  }

  /** Gets the next chunk. */
  protected override async more(): Promise<void> {
    if (this.hasSourceEnded) {
      this.isOver = true;
      return;
    }
    const { done, value } = await this.ask();
    if (done) this.hasSourceEnded = true;
    else if (!this.isOver) this.parser.feed(value);
    else if (value instanceof Bytes) Bytes.giveBack(value); // return() came while this chunk was awaited
  }

  protected override async stop(): Promise<void> {
    this.parser.release();
    if (!this.hasSourceEnded) await this.source.return?.();
  }

  private async ask(): Promise<IteratorResult<Bytes, unknown>> {
    try {
      return await this.source.next();
    } catch (error) {
      this.hasSourceEnded = true;
      throw error;
    }
  }
}
