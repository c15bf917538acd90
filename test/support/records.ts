import { pattern } from './chunks.js';

/** Bytes of a record. A few records are more than the kernel buffers at once. */
export const RECORD: number = 512 * 1024;

const SHIFTS = 65_536;
const PATTERN = pattern(RECORD + SHIFTS);

/** The content of record number `record`. It depends on the number, so that bytes of other records are noticed. */
export function recordBytes(record: number): Buffer {
  const shift = Math.imul(record, 0x9e3779b1) >>> 16;
  return PATTERN.subarray(shift, shift + RECORD);
}

/** Compares all bytes that arrive with the records that were sent. */
export class Receipts {
  /** Records of which all bytes arrived, right or wrong. */
  records = 0;
  bytes = 0;
  wrongBytes = 0;
  private readonly expected: number[] = [];
  /** How many bytes of the first expected record have arrived. */
  private at = 0;

  /** Adds a record to those that {@link take} expects. */
  expect(record: number): void {
    this.expected.push(record);
  }

  /** Checks the next bytes of a stream. They arrive in order. */
  take(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      const [record] = this.expected;
      if (record === undefined) throw new Error(`${chunk.length - from} bytes more than were sent`);
      const end = Math.min(this.at + chunk.length - from, RECORD);
      this.compare(chunk.subarray(from, from + end - this.at), recordBytes(record).subarray(this.at, end));
      from += end - this.at;
      this.at = end % RECORD;
      if (this.at > 0) continue;
      this.expected.shift();
      this.records++;
    }
  }

  /** Checks a whole record. Records may arrive in any order. */
  takeRecord(record: number, bytes: Uint8Array): void {
    if (bytes.length !== RECORD) throw new Error(`record ${record} has ${bytes.length} bytes`);
    this.compare(bytes, recordBytes(record));
    this.records++;
  }

  private compare(bytes: Uint8Array, expected: Uint8Array): void {
    this.bytes += bytes.length;
    if (Buffer.compare(bytes, expected) === 0) return;
    for (const [index, byte] of bytes.entries()) if (byte !== expected[index]) this.wrongBytes++;
  }
}
