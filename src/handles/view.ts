/**
 * A Uint8Array whose type does not invite writes. It fits wherever a Uint8Array is asked for. JavaScript cannot enforce
 * that nobody writes.
 */
export interface BytesView extends Uint8Array {
  readonly [index: number]: number;
  copyWithin(target: never, start: never): this;
  fill(value: never): this;
  reverse(this: never): this;
  set(source: never): void;
  sort(this: never): this;
  subarray(begin?: number, end?: number): BytesView;
}
