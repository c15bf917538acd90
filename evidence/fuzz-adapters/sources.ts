import { unlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Bytes } from 'arena-alligator';
import { type ChunkArena, connectChunks, fromReadableStream, readChunks } from 'arena-alligator/node';
import type { Dice } from '../fuzz/dice.js';

/** The content in random pieces, some of them late. */
export async function* inPieces(dice: Dice, content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; ) {
    const size = 1 + dice.below(dice.oneIn(3) ? 400 : 20);
    if (dice.oneIn(4)) await pause(dice);
    yield content.subarray(at, at + size);
    at += size;
  }
}

/** As {@link inPieces}. Each piece is all of an ArrayBuffer, as what Node reads, and may be freed. */
export async function* inOwnPieces(dice: Dice, content: Buffer): AsyncGenerator<Buffer> {
  for await (const piece of inPieces(dice, content)) yield Buffer.from(new Uint8Array(piece).buffer);
}

export function pause(dice: Dice): Promise<void> {
  return new Promise((resolve) => (dice.oneIn(10) ? setTimeout(resolve, 1) : setImmediate(resolve)));
}

/** A way to get content into an arena as chunks. */
export interface ChunkSource {
  readonly name: string;
  open(arena: ChunkArena, content: Buffer, dice: Dice, signal: AbortSignal): AsyncIterable<Bytes>;
}

const readable: ChunkSource = {
  name: 'a Readable',
  open: (arena, content, dice, signal) => {
    const buffers = (['leave', 'free', 'adopt'] as const)[dice.below(3)];
    return readChunks(arena, Readable.from(inOwnPieces(dice, content), { objectMode: false }), { signal, buffers });
  },
};

function webStreamOf(pieces: AsyncGenerator<Buffer>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await pieces.return(undefined)),
  });
}

const web: ChunkSource = {
  name: 'a Web stream',
  open: (arena, content, dice, signal) => fromReadableStream(arena, webStreamOf(inPieces(dice, content)), { signal }),
};

/** Chunks of any size that a program allocates itself. It never holds one while it waits for the next. */
const made: ChunkSource = {
  name: 'a program',
  async *open(arena, content, dice, signal) {
    const most = 'slotCapacity' in arena ? arena.slotCapacity : arena.totalSize;
    for (let at = 0; at < content.length; ) {
      const size = Math.min(1 + dice.below(most), content.length - at);
      using buffer = await arena.allocateAsync(size, { signal });
      yield buffer.putSlice(content.subarray(at, at + size)).freeze();
      at += size;
    }
  },
};

let files = 0;

const file: ChunkSource = {
  name: 'a file',
  async *open(arena, content, dice, signal) {
    const path = join(tmpdir(), `fuzz-adapters-${process.pid}-${files++}`);
    writeFileSync(path, content);
    try {
      yield* readChunks(arena, path, { readAhead: dice.below(4), signal });
    } finally {
      unlinkSync(path);
    }
  },
};

/** By port of the client: what the server sends. */
const toSend = new Map<number, { readonly content: Buffer; readonly dice: Dice }>();
let port: Promise<number> | undefined;

/** The port of the server. It listens from the first call on. */
function listen(): Promise<number> {
  port ??= new Promise((resolve) => {
    const server = createServer((peer) => {
      peer.on('error', () => undefined);
      peer.once('data', async (data) => {
        const sending = toSend.get(Number(data));
        if (sending === undefined) return;
        for await (const piece of inPieces(sending.dice, sending.content)) peer.write(piece);
        peer.end();
      });
    });
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  return port;
}

let connections = 0;

const connection: ChunkSource = {
  name: 'a connection',
  async *open(arena, content, dice, signal) {
    const port = await listen();
    const id = connections++;
    toSend.set(id, { content, dice });
    try {
      const { socket, chunks } = connectChunks(arena, { port, host: '127.0.0.1' }, { signal });
      socket.write(String(id));
      yield* chunks;
    } finally {
      toSend.delete(id);
    }
  },
};

export const SOURCES: readonly ChunkSource[] = [readable, readable, web, made, file, connection];
