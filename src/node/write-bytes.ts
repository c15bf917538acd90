import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type BytesList, checkWritten, viewsOf } from '../streams/bytes-list.js';
import { checkWaitOptions, timeoutError } from '../waiting/wait-options.js';
import { takeOver } from './frame.js';
import { send } from './send.js';

// The most views that one system call takes on Linux and macOS (IOV_MAX).
const MOST_VIEWS = 1024;

export interface WriteOptions {
  /** File offset of the first byte to write. Default: the current position. */
  readonly position?: number | undefined;
  /** Aborting it destroys the stream, and rejects with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest time in ms until the stream has finished with the bytes. A longer one destroys the stream, and rejects
   * with a DOMException named `TimeoutError` once the memory is back. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

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
 *
 * Rejects with the error of the target; a DOMException named `TimeoutError`; the signal's reason; TypeError or
 * RangeError for bad arguments, and the handle then stays as it is.
 * @param options a number is the `position`
 */
export function writeBytes(
  target: Writable | FileHandle,
  bytes: Bytes | BytesList,
  options: WriteOptions | number = {},
): Promise<void> {
  try {
    checkWritten(bytes);
    const { position, signal, timeout } = typeof options === 'number' ? { position: options } : checkOptions(options);
    if (isWritable(target)) {
      if (position !== undefined) throw new TypeError('position applies to files only, not to streams');
      if (signal === undefined && timeout === undefined) return send(target, bytes);
      return sendWithin(target, bytes, signal, timeout);
    }
    if (!isFileHandle(target)) {
      throw new TypeError(`target must be a Writable or a FileHandle, got ${describe(target)}`);
    }
    if (signal !== undefined || timeout !== undefined) {
      throw new TypeError('signal and timeout apply to streams only, not to files');
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

function checkOptions(options: WriteOptions): WriteOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object or a position, got ${describe(options)}`);
  }
  checkWaitOptions(options);
  if (options.signal?.aborted) throw abortReason(options.signal);
  return options;
}

/** Destroys the stream when the time is over: only then is it known to have finished with the memory. */
async function sendWithin(
  writable: Writable,
  bytes: Bytes | BytesList,
  signal: AbortSignal | undefined,
  timeout: number | undefined,
): Promise<void> {
  let failure: { readonly reason: unknown } | undefined;
  const fail = (reason: unknown): void => {
    failure = { reason };
    writable.on('error', () => undefined); // the rejection reports it
    writable.destroy(reason instanceof Error ? reason : undefined);
  };
  const onAbort = (): void => fail(signal && abortReason(signal));
  if (signal !== undefined) addAbortCallback(signal, onAbort);
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => fail(timeoutError('the stream did not finish with the bytes', timeout)), timeout);
  try {
    await send(writable, bytes);
  } catch (error) {
    throw failure === undefined ? error : failure.reason;
  } finally {
    clearTimeout(timer);
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
  }
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
