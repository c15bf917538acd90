import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { checkInteger, describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type BytesList, checkWritten, viewsOf } from '../streams/bytes-list.js';
import { send, takeOver } from './send.js';

// The most views that one system call takes on Linux and macOS (IOV_MAX).
const MOST_VIEWS = 1024;

/**
 * Writes `bytes` without copying them, and releases them when the target has finished with their memory. The handle is
 * used up, whether the write succeeds or fails.
 *
 * To a Writable (a socket, a response, a file stream): resolves when the stream calls back, and rejects when the stream
 * fails or closes first. A list is written as one vectored write. `writeBytes` does not wait for `drain`: await its
 * promise, or use `pipeBytes`. A PassThrough passes on the memory it was given and never tells when that was read, so
 * it gets a copy. Give a copy to other streams of that kind yourself.
 *
 * To a FileHandle: calls `writev` until everything is written, from `position` or from the current file position on.
 * @throws TypeError, RangeError (as rejections) for bad arguments; the handle then stays as it is
 */
export function writeBytes(target: Writable | FileHandle, bytes: Bytes | BytesList, position?: number): Promise<void> {
  try {
    checkWritten(bytes);
    if (isWritable(target)) {
      if (position !== undefined) throw new TypeError('position applies to files only, not to streams');
      return send(target, bytes);
    }
    if (!isFileHandle(target)) {
      throw new TypeError(`target must be a Writable or a FileHandle, got ${describe(target)}`);
    }
    if (position !== undefined) checkInteger(position, 'position', 0);
    return writeToFile(target, bytes, position);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whether `target` is a Writable. A FileHandle is an emitter with a `write` too, but it has no `end`. */
export function isWritable(target: unknown): target is Writable {
  if (typeof target !== 'object' || target === null) return false;
  const { write, end, on } = target as Partial<Writable>;
  return typeof write === 'function' && typeof end === 'function' && typeof on === 'function';
}

function isFileHandle(target: unknown): target is FileHandle {
  return typeof target === 'object' && target !== null && typeof (target as Partial<FileHandle>).writev === 'function';
}

async function writeToFile(file: FileHandle, bytes: Bytes | BytesList, position: number | undefined): Promise<void> {
  const held = takeOver(bytes);
  try {
    let rest: Uint8Array[] = viewsOf(held).filter((view) => view.length > 0);
    let at = position;
    while (rest.length > 0) {
      const { bytesWritten } = await file.writev(rest.slice(0, MOST_VIEWS), at);
      if (at !== undefined) at += bytesWritten;
      rest = after(rest, bytesWritten);
    }
  } finally {
    held.release();
  }
}

/** The views that remain of `views` after the first `byteCount` bytes. */
function after(views: readonly Uint8Array[], byteCount: number): Uint8Array[] {
  let done = byteCount;
  let index = 0;
  for (let view = views[0]; view !== undefined && view.length <= done; view = views[index]) {
    done -= view.length;
    index++;
  }
  const rest = views.slice(index);
  if (done > 0 && rest[0] !== undefined) rest[0] = rest[0].subarray(done);
  return rest;
}
