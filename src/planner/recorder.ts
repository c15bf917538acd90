import { openSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TraceEncoder } from './trace-file.js';
import { TRACE_VARIABLE } from './trace-variable.js';

// Loaded into a program before its own code (`node --import`). Writes what the program's Buffers did to a trace file.

/** ms between two full collections. Only they tell which Buffers are gone. */
const COLLECT_EVERY = 100;

/** Bytes of the trace that are held before they are written. */
const WRITE_EVERY = 64 * 1024;

type Make = (...args: never[]) => Buffer;

class Recorder {
  private readonly encoder = new TraceEncoder();
  private readonly file: number;
  private hasEnded = false;
  private isMaking = false;
  private readonly gone = new FinalizationRegistry<number>((index) => {
    if (this.hasEnded) return;
    this.encoder.released(index, now());
    this.write();
  });

  constructor(path: string) {
    this.file = openSync(path, 'w');
  }

  /** Records every Buffer that `Buffer[name]` makes. */
  wrap(name: 'alloc' | 'allocUnsafe' | 'allocUnsafeSlow' | 'from' | 'concat'): void {
    const make = Buffer[name] as Make;
    const recorded = (...args: never[]): Buffer => {
      // Some of these functions call another one.
      if (this.isMaking) return make.apply(Buffer, args);
      this.isMaking = true;
      try {
        const buffer = make.apply(Buffer, args);
        const shares = name === 'from' && isShared(args[0]);
        if (!shares && buffer.length > 0 && !this.hasEnded) this.made(buffer);
        return buffer;
      } finally {
        this.isMaking = false;
      }
    };
    Object.defineProperty(Buffer, name, { value: recorded, configurable: true, writable: true });
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    writeAll(this.file, this.encoder.end());
  }

  private made(buffer: Buffer): void {
    this.gone.register(buffer, this.encoder.allocated(buffer.length, now()));
    this.write();
  }

  private write(): void {
    if (this.encoder.length >= WRITE_EVERY) writeAll(this.file, this.encoder.take());
  }
}

/** Whether `Buffer.from` only wraps the memory of `source`. */
function isShared(source: unknown): boolean {
  return source instanceof ArrayBuffer || source instanceof SharedArrayBuffer;
}

function now(): number {
  return performance.now() * 1000;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

function start(path: string): void {
  const recorder = new Recorder(path);
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from', 'concat'] as const) recorder.wrap(name);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setInterval(collect, COLLECT_EVERY).unref();
  process.on('exit', () => recorder.end());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A program that handles the signal itself ends as it likes.
    const onSignal = (): void => {
      if (process.listenerCount(signal) > 1) return;
      recorder.end();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

const path = process.env[TRACE_VARIABLE];
if (path !== undefined) {
  // Threads and processes that the program starts must not write to the same file.
  delete process.env[TRACE_VARIABLE];
  start(path);
}
