import { workerData } from 'node:worker_threads';
import { ADDRESS, BLOCKED, BUDGET, KILL, PARKED, READY, STATUS, STEPS, THREAD_WORDS, THREADS, WOKEN } from './board.js';

// Takes the place of the library's atomics module. Before each operation a thread asks for permission, so that a
// scheduler decides which thread goes on and how far. Between two operations only one thread runs, so threads
// interleave only here.

const { board, thread } = workerData as { readonly board: Int32Array; readonly thread: number };
const own = thread * THREAD_WORDS;

/** Thrown where the thread must die. The library does not swallow it, but may throw an error with it as the cause. */
export class Killed extends Error {}

let isStepping = false;
let isDead = false;
let budget = 0;

/**
 * From now on the thread waits for permission. Before this, and after {@link rest}, it runs freely. Beginning counts as
 * an operation, so that a thread can be stopped before its first operation, with everything that it has read until
 * then.
 */
export function begin(): void {
  isStepping = true;
  isDead = false;
  park(READY);
  spend();
}

export function rest(): void {
  isStepping = false;
}

/** Reports that the thread cannot go on by itself, and waits until the scheduler lets it go on. */
export function park(status: number): void {
  Atomics.store(board, own + STATUS, status);
  Atomics.notify(board, own + STATUS);
  for (budget = 0; budget === 0; budget = Atomics.exchange(board, own + BUDGET, 0))
    Atomics.wait(board, own + BUDGET, 0);
}

function step(): void {
  if (!isStepping) return;
  if (isDead) throw new Killed();
  if (budget === 0) park(PARKED);
  spend();
}

function spend(): void {
  if (budget === KILL) {
    isDead = true;
    throw new Killed();
  }
  budget--;
  board[own + STEPS] = (board[own + STEPS] as number) + 1;
}

/** Sleeps until the scheduler finds that the thread was woken. */
export function blockOn(address: number): void {
  board[own + WOKEN] = 0;
  board[own + ADDRESS] = address;
  park(BLOCKED);
  board[own + ADDRESS] = -1;
  if (budget === KILL) {
    isDead = true;
    throw new Killed();
  }
}

function addressOf(words: Int32Array, index: number): number {
  return words.byteOffset / 4 + index;
}

export function load(words: Int32Array, index: number): number {
  step();
  return Atomics.load(words, index);
}

export function store(words: Int32Array, index: number, value: number): void {
  step();
  Atomics.store(words, index, value);
}

export function add(words: Int32Array, index: number, value: number): number {
  step();
  return Atomics.add(words, index, value);
}

export function exchange(words: Int32Array, index: number, value: number): number {
  step();
  return Atomics.exchange(words, index, value);
}

export function or(words: Int32Array, index: number, bits: number): number {
  step();
  return Atomics.or(words, index, bits);
}

export function compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number {
  step();
  return Atomics.compareExchange(words, index, expected, replacement);
}

export function wait(words: Int32Array, index: number, expected: number): void {
  step();
  if (isStepping && Atomics.load(words, index) === expected) blockOn(addressOf(words, index));
}

export function waitAsync(): undefined {
  throw new Error('waitAsync cannot be stepped: scenarios must use the blocking methods');
}

export function notify(words: Int32Array, index: number): void {
  step();
  for (let other = 0; other < THREADS; other++) {
    if (board[other * THREAD_WORDS + ADDRESS] === addressOf(words, index)) board[other * THREAD_WORDS + WOKEN] = 1;
  }
}

export function touch(bytes: Uint8Array, index: number): void {
  Atomics.or(bytes, index, 0);
}
