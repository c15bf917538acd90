import { checkInteger } from '../base/check.js';
import { type BytesMethods, BytesReader } from './reader.js';

/** The readers and peeks of `Bytes`. */
export interface ReaderMethods extends Pick<BytesMethods, Extract<keyof BytesMethods, `get${string}`>> {
  /** Whether at least `byteCount` bytes are left. */
  canRead(byteCount: number): boolean;
}

/** The methods of `Bytes` that look at all of the content. */
export interface SearchMethods
  extends Pick<BytesMethods, 'lastIndexOf' | 'startsWith' | 'endsWith' | 'indexOf' | 'includes' | 'copyTo'> {}

const SEARCHES = ['lastIndexOf', 'startsWith', 'endsWith', 'indexOf', 'includes', 'copyTo'] as const;

/** What a handle must have to be read as if it were `Bytes`. */
interface Readable {
  readonly length: number;
  advance(byteCount: number): void;
}

/** Bytes to read from. */
interface Window extends BytesMethods {
  release(): void;
}

/**
 * Gives the handles of `prototype` the readers and the searching methods of `Bytes`. A reader runs on a window that
 * begins with the bytes it needs, and what it consumed is dropped from the handle. So a read costs some 100 ns more than
 * one of `Bytes`.
 * @param windowOf returns a window that begins at `start`. It has at least `least` bytes, or all that are left
 */
export function readThrough<Handle extends Readable>(
  prototype: Handle,
  windowOf: (handle: Handle, start: number, least: number) => Window,
): void {
  const define = (name: string, value: (this: Handle, ...args: unknown[]) => unknown): void => {
    if (!Object.hasOwn(prototype, name)) Object.defineProperty(prototype, name, { value, writable: true });
  };
  for (const name of readerNames()) {
    const width = widthOf(name);
    define(name, function (...args) {
      const window = windowOf(this, 0, width ?? leastOf(args[0]));
      try {
        const before = window.length;
        const value = call(window, name, args);
        this.advance(before - window.length);
        return value;
      } finally {
        window.release();
      }
    });
    if (!hasPeek(name)) continue;
    define(`${name}At`, function (index) {
      const start = checkInteger(index as number, 'index', 0);
      const window = windowOf(this, Math.min(start, this.length), width ?? 0);
      try {
        return call(window, name, []);
      } finally {
        window.release();
      }
    });
  }
  for (const name of SEARCHES) {
    define(name, function (...args) {
      const window = windowOf(this, 0, this.length);
      try {
        return call(window, name, args);
      } finally {
        window.release();
      }
    });
  }
  define('canRead', function (byteCount) {
    return checkInteger(byteCount as number, 'byteCount', 0) <= this.length;
  });
}

function readerNames(): string[] {
  return Object.getOwnPropertyNames(BytesReader.prototype).filter((name) => name.startsWith('get'));
}

function hasPeek(name: string): boolean {
  return `${name}At` in BytesReader.prototype;
}

const LONGEST_VARINT = 10;

/** Bytes that a reader needs: `getU32` needs 4. Undefined when its argument tells. */
function widthOf(name: string): number | undefined {
  const bits = /^get[UIF](\d+)/.exec(name)?.[1];
  if (bits !== undefined) return Number(bits) / 8;
  return /^get(Varint|Zigzag)/.test(name) ? LONGEST_VARINT : undefined;
}

/** A bad argument is refused by the reader. */
function leastOf(byteCount: unknown): number {
  return Number.isSafeInteger(byteCount) ? Math.max(0, byteCount as number) : 0;
}

function call(window: Window, name: string, args: readonly unknown[]): unknown {
  const methods = window as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;
  const method = methods[name];
  if (method === undefined) throw new TypeError(`no method ${name}`);
  return method.apply(window, [...args]);
}
