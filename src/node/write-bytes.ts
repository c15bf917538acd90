import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { checkInteger, describe } from '../base/check.js';
import { Bytes } from '../index.js';
import { BytesList, viewsOf } from './bytes-list.js';
import { send, takeOver } from './send.js';

// What one system call takes on Linux and macOS (IOV_MAX).
const MOST_VIEWS = 1024;

/**
 * Writes `bytes` without copying them, and releases them when the target has finished with their memory. The handle is used
 * up, however it ends.
 *
 * To a Writable (a socket, a response, a file stream): resolves when its callback came, rejects when it failed or was closed
 * first. A list is one vectored write. It does not wait for `drain`: await it, or use `pipeBytes`. A PassThrough hands on the
 * very memory it was given and nobody tells when that is read, so it gets a copy; give other streams of that kind a copy yourself.
 *
 * To a FileHandle: `writev` until everything is written, from `position` on or from where the file stands.
 * @throws TypeError, RangeError for bad arguments, which keep the handle as it is
 */
export function writeBytes(target: Writable | FileHandle, bytes: Bytes | BytesList, position?: number): Promise<void> {
  try {
    checkWritten(bytes);
    if (isWritable(target)) {
      if (position !== undefined) throw new TypeError('a position is for files, not for streams');
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

/** @throws TypeError for anything but Bytes and BytesList */
export function checkWritten(bytes: unknown): void {
  if (bytes instanceof Bytes || bytes instanceof BytesList) return;
  throw new TypeError(`bytes must be Bytes or a BytesList, got ${describe(bytes)}`);
}

/** A file handle is an emitter with a `write` too, but has no end. */
export function isWritable(target: unknown): target is Writable {
  if (typeof target !== 'object' || target === null) return false;
  const { write, end, on } = target as Partial<Writable>;
  return typeof write === 'function' && typeof end === 'function' && typeof on === 'function';
}

function isFileHandle(target: unknown): target is FileHandle {
  return typeof target === 'object' && target !== null && typeof (target as Partial<FileHandle>).writev === 'function';
}

async function writeToFile(file: FileHandle, bytes: Bytes | BytesList, position: number | undefined): Promise<void> {
  using held = takeOver(bytes);
  let rest: Uint8Array[] = viewsOf(held).filter((view) => view.length > 0);
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest.slice(0, MOST_VIEWS), at);
    if (at !== undefined) at += bytesWritten;
    rest = after(rest, bytesWritten);
  }
}

/** What is left of `views` behind the first `byteCount` bytes. */
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
