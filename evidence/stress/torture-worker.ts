import { parentPort, workerData } from 'node:worker_threads';
import type { ChannelHandle } from 'arena-alligator';
import { type ArenaBuffer, type Bytes, BytesChannel, SharedBuddyArena, type SharedFixedArena } from 'arena-alligator';
import { checkPayload, writePayload } from './payload.js';

// One thread of the torture test. It does at random whatever a program may do, until it is terminated in the middle of
// that, exits or throws.

const { channels: handles, seed } = workerData as {
  readonly channels: readonly ChannelHandle[];
  readonly seed: number;
};
/** What this thread has in one arena. */
interface Side {
  readonly arena: SharedFixedArena | SharedBuddyArena;
  readonly channels: readonly BytesChannel[];
  readonly held: Bytes[];
}

const sides: Side[] = [];
for (const handle of handles) {
  const channel = BytesChannel.attach(handle);
  const side = sides.find(({ arena }) => arena === channel.arena);
  if (side === undefined) sides.push({ arena: channel.arena, channels: [channel], held: [] });
  else sides.splice(sides.indexOf(side), 1, { ...side, channels: [...side.channels, channel] });
}
parentPort?.postMessage('attached');
let state = seed;

function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

function keep(side: Side, bytes: Bytes | undefined): void {
  if (bytes === undefined) return;
  checkPayload(bytes);
  side.held.push(bytes);
}

function takeAny({ held }: Side): Bytes | undefined {
  return held.splice(Math.floor(random() * held.length), 1)[0];
}

function drop(side: Side): void {
  const bytes = takeAny(side);
  if (bytes === undefined) return;
  checkPayload(bytes);
  bytes.release();
}

function isExpected(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AllocError');
}

async function allocate(arena: SharedFixedArena | SharedBuddyArena, length: number): Promise<ArenaBuffer | undefined> {
  try {
    const way = random();
    if (way < 0.9) return arena.tryAllocate(length);
    if (way < 0.96) return await arena.allocateAsync(length, { timeout: 1 + Math.floor(random() * 20) });
    const timeout = 1 + Math.floor(random() * 5);
    return arena instanceof SharedBuddyArena
      ? arena.allocateBlocking(length, timeout)
      : arena.allocateBlocking(timeout);
  } catch (error) {
    if (isExpected(error)) return undefined;
    throw error;
  }
}

async function send(channel: BytesChannel, bytes: Bytes): Promise<void> {
  try {
    const way = random();
    if (way < 0.9) channel.trySend(bytes);
    else if (way < 0.96) await channel.send(bytes, { timeout: 1 + Math.floor(random() * 10) });
    else channel.sendBlocking(bytes, 1 + Math.floor(random() * 3));
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
  if (!bytes.isReleased) bytes.release();
}

async function receive(channel: BytesChannel): Promise<Bytes | undefined> {
  try {
    const way = random();
    if (way < 0.9) return channel.tryReceive();
    if (way < 0.96) return await channel.receive({ timeout: 1 + Math.floor(random() * 10) });
    return channel.receiveBlocking(1 + Math.floor(random() * 3));
  } catch (error) {
    if (isExpected(error)) return undefined;
    throw error;
  }
}

async function step(): Promise<void> {
  const side = pick(sides);
  const { arena, channels, held } = side;
  const largest = arena instanceof SharedBuddyArena ? arena.totalSize : arena.slotCapacity;
  const way = random();
  if (way < 0.35) {
    const length = 1 + Math.floor(largest ** random() * 0.99);
    const buffer = await allocate(arena, length);
    if (buffer !== undefined && random() < 0.1) buffer.abandon();
    else if (buffer !== undefined) keep(side, writePayload(buffer, length, random).freeze());
  } else if (way < 0.5 && held.length > 0) {
    const bytes = pick(held);
    const start = Math.floor(random() * bytes.length);
    const end = start + 1 + Math.floor(random() * (bytes.length - start));
    held.push(random() < 0.5 ? bytes.clone() : bytes.slice(start, end));
  } else if (way < 0.65) {
    const bytes = takeAny(side);
    if (bytes !== undefined) await send(pick(channels), bytes);
  } else if (way < 0.85) {
    keep(side, await receive(pick(channels)));
  } else if (way < 0.87) {
    const bytes = takeAny(side);
    if (bytes !== undefined) parentPort?.postMessage({ arena: sides.indexOf(side), ticket: bytes.toTicket() });
  } else if (way < 0.88) {
    arena.tryAllocate(1); // forgets the buffer
  } else {
    drop(side);
  }
  while (held.length > 20) drop(side);
}

let steps = 0;
for (;;) {
  await step();
  steps++;
  if (steps % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  if (random() < 0.0002) process.exit(0);
  if (random() < 0.0001) throw new Error('torture: thrown on purpose');
}
