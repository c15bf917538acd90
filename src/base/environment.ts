/** What the library needs from its runtime. Only tests may replace members of {@link environment}. */
export interface Environment {
  /** Warns of a problem that is not an error of the current call. */
  warn(message: string, code: string): void;
  /** The time in ms, on a clock that never goes back. */
  now(): number;
  /** Calls `callback` once, after `delay` ms (at most 2^31 - 1). Keeps the program running until then. */
  startTimer(callback: () => void, delay: number): Timer;
  stopTimer(timer: Timer): void;
  /** As {@link startTimer}, but it does not keep the program running. */
  startIdleTimer(callback: () => void, delay: number): void;
  /**
   * The number of this thread, or undefined where threads have no number (browsers). No other thread of the program has
   * this number or will ever get it.
   */
  threadId(): number | undefined;
  /** Whether a worker that has reported its exit has really ended. On Deno it may still be running. */
  readonly exitMeansDeath: boolean;
  /** The runtime's own search over bytes; undefined where there is none (browsers). */
  native: NativeSearch | undefined;
  /** The runtime's diagnostics channels `arena-alligator:failure` and so on; undefined where there are none (browsers). */
  readonly channels: Channels | undefined;
  /** The smallest page size of the machine in bytes, or undefined where it is unknown (browsers). */
  pageSize(): number | undefined;
}

/** The functions of Node's Buffer that search any Uint8Array, also over shared memory. */
export interface NativeSearch {
  /** Index of the first `needle` (a byte, or a run of bytes that is not empty) at or after `from`, or -1. */
  indexOf(haystack: Uint8Array, needle: number | Uint8Array, from: number): number;
  compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1;
}

/** The kinds of events of arenas. Each has its channel. */
const EVENTS = ['failure', 'spill', 'leak', 'park', 'wake', 'stall', 'reclaim', 'close'] as const;

export type Channels = Readonly<Record<(typeof EVENTS)[number], Channel>>;

/** A channel of `node:diagnostics_channel`. */
export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: object): void;
}

/** What `setTimeout` returns: a number in browsers, an object in Node. */
export type Timer = ReturnType<typeof setTimeout>;

interface HostProcess {
  readonly platform?: string;
  readonly arch?: string;
  getBuiltinModule?(
    name: string,
  ): { readonly threadId?: number; readonly channel?: (name: string) => Channel } | undefined;
  emitWarning?(message: string, options: { type: string; code: string }): void;
}

interface HostBuffer {
  compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1;
  readonly prototype: { indexOf(needle: number | Uint8Array, from: number): number };
}

const host: HostProcess | undefined = (globalThis as { process?: HostProcess }).process;

const buffer: HostBuffer | undefined = (globalThis as { Buffer?: HostBuffer }).Buffer;

export const environment: Environment = {
  warn(message, code) {
    if (host?.emitWarning !== undefined) host.emitWarning(message, { type: 'ArenaWarning', code });
    else console.warn(`ArenaWarning [${code}]: ${message}`);
  },
  now: () => performance.now(),
  startTimer: (callback, delay) => setTimeout(callback, delay),
  stopTimer: (timer) => clearTimeout(timer),
  startIdleTimer(callback, delay) {
    const timer: { unref?(): void } | number = setTimeout(callback, delay);
    if (typeof timer === 'object') timer.unref?.();
  },
  threadId: () => host?.getBuiltinModule?.('node:worker_threads')?.threadId,
  exitMeansDeath: !('Deno' in globalThis),
  native: buffer === undefined ? undefined : nativeSearch(buffer),
  channels: channelsOf(host?.getBuiltinModule?.('node:diagnostics_channel')?.channel),
  // A stride that is not larger than the real page touches every page. So the smallest page of the architecture will
  // do: 16 KiB on Apple silicon, 4 KiB on every other platform that Node, Bun and Deno run on.
  pageSize() {
    if (host?.platform === undefined) return undefined;
    return host.platform === 'darwin' && host.arch === 'arm64' ? 16384 : 4096;
  },
};

function nativeSearch({ compare, prototype: { indexOf } }: HostBuffer): NativeSearch {
  return { compare, indexOf: (haystack, needle, from) => indexOf.call(haystack, needle, from) };
}

function channelsOf(channel: ((name: string) => Channel) | undefined): Channels | undefined {
  if (channel === undefined) return undefined;
  return Object.fromEntries(EVENTS.map((event) => [event, channel(`arena-alligator:${event}`)])) as Channels;
}

/**
 * Throws `error` in a microtask of its own. The error comes from a callback: the call that happened to run the callback
 * has succeeded and must not fail.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
