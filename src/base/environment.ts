/**
 * What the library asks of the program around it. Tests replace single members of {@link environment}; nothing else
 * may.
 */
export interface Environment {
  /** Tells a person about something that is wrong but not an error of this call. */
  warn(message: string, code: string): void;
  /** Ms on a clock that never goes back. */
  now(): number;
  /** Calls `callback` once, after `delay` ms (at most 2^31 - 1), and keeps the program running until then. */
  startTimer(callback: () => void, delay: number): Timer;
  stopTimer(timer: Timer): void;
  /** The number of this thread that no other thread of the program has or will have, or undefined where threads have none (browsers). */
  threadId(): number | undefined;
  /** Whether a worker that told of its end has truly ended. On Deno it may still be running. */
  readonly exitMeansDeath: boolean;
  /** Smallest page size of the machine in bytes, or undefined where it cannot be known (browsers). */
  pageSize(): number | undefined;
}

/** What `setTimeout` returns: a number in browsers, an object in Node. */
export type Timer = ReturnType<typeof setTimeout>;

interface HostProcess {
  readonly platform?: string;
  readonly arch?: string;
  getBuiltinModule?(name: string): { readonly threadId?: number } | undefined;
  emitWarning?(message: string, options: { type: string; code: string }): void;
}

const host: HostProcess | undefined = (globalThis as { process?: HostProcess }).process;

export const environment: Environment = {
  warn(message, code) {
    if (host?.emitWarning !== undefined) host.emitWarning(message, { type: 'ArenaWarning', code });
    else console.warn(`ArenaWarning [${code}]: ${message}`);
  },
  now: () => performance.now(),
  startTimer: (callback, delay) => setTimeout(callback, delay),
  stopTimer: (timer) => clearTimeout(timer),
  threadId: () => host?.getBuiltinModule?.('node:worker_threads')?.threadId,
  exitMeansDeath: !('Deno' in globalThis),
  // A stride no larger than the real page touches every page, so the smallest page of the architecture is enough:
  // 16 KiB on Apple silicon, 4 KiB on every other platform that Node, Bun and Deno run on.
  pageSize() {
    if (host?.platform === undefined) return undefined;
    return host.platform === 'darwin' && host.arch === 'arm64' ? 16384 : 4096;
  },
};

/** Throws `error` in a task of its own: a callback's, not one of the call that happened to run it, which has succeeded. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
