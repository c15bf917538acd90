import assert from 'node:assert/strict';
import { type ArenaBuffer, FixedArena } from 'arena-alligator';
import { type Case, operationCase } from '../case.js';
import { loadPeer } from '../peers.js';
import { KIB } from '../work.js';

/** The value to encode: a typical log record of a service, 300 to 400 bytes. */
const RECORD = {
  time: 1_795_600_000_123,
  level: 30,
  service: 'checkout',
  host: 'eu-west-1-node-0042',
  trace: '4bf92f3577b34da6a3ce929d0e0e4736',
  message: 'payment accepted after 2 tries, customer notified by mail',
  tags: ['payments', 'retry', 'mail', 'größe'],
  counts: [1, 300, 70_000, 5_000_000_000],
  ratio: 0.731,
};

const SLOT = 4 * KIB;

/**
 * The cases of one encoder. `load` returns two functions: `encode` writes one record into a buffer, `own` writes it
 * into memory that the encoder allocates itself.
 */
function encoderCases(
  name: string,
  load: () => Promise<{ encode: (buffer: ArenaBuffer) => void; own: () => Uint8Array }>,
): Case[] {
  return [
    operationCase(`encode/${name}/fixed`, async () => {
      const { encode, own } = await load();
      const arena = FixedArena.withSlotCapacity(1024, SLOT).build();
      const make = () => {
        const buffer = arena.allocate();
        encode(buffer);
        return buffer.freeze();
      };
      const looked = make();
      assert.ok(looked.length > 100);
      assert.ok(looked.equals(own()));
      looked.release();
      const turn = (): unknown => {
        const bytes = make();
        bytes.release();
        return bytes;
      };
      return { turn, end: () => assert.equal(arena.metrics().bytesLive, 0) };
    }),
    operationCase(`encode/${name}/own`, async () => {
      const { own } = await load();
      return { turn: own };
    }),
  ];
}

interface Msgpackr {
  readonly Packr: new (options: {
    readonly useRecords: boolean;
  }) => { useBuffer(buffer: Uint8Array): void; pack(value: unknown): Uint8Array };
}

const msgpackr = encoderCases('msgpackr', async () => {
  const { Packr } = await loadPeer<Msgpackr>('msgpackr');
  const into = new Packr({ useRecords: false });
  const alone = new Packr({ useRecords: false });
  // msgpackr writes text with methods that only Buffers have. A slot lends the same view every time, so one Buffer per
  // slot is enough.
  const buffers = new WeakMap<Uint8Array, Buffer>();
  const bufferOver = (view: Uint8Array): Buffer => {
    let buffer = buffers.get(view);
    if (buffer === undefined) {
      buffer = Buffer.from(view.buffer, view.byteOffset, view.length);
      buffers.set(view, buffer);
    }
    return buffer;
  };
  return {
    encode: (buffer) => {
      into.useBuffer(bufferOver(buffer.chunkMut()));
      buffer.advanceMut(into.pack(RECORD).length);
    },
    own: () => alone.pack(RECORD),
  };
});

interface PbfWriter {
  writeVarintField(tag: number, value: number): void;
  writeStringField(tag: number, value: string): void;
  writeDoubleField(tag: number, value: number): void;
  writePackedVarint(tag: number, values: readonly number[]): void;
  finish(): Uint8Array;
}

function writeProtobuf(writer: PbfWriter): Uint8Array {
  writer.writeVarintField(1, RECORD.time);
  writer.writeVarintField(2, RECORD.level);
  writer.writeStringField(3, RECORD.service);
  writer.writeStringField(4, RECORD.host);
  writer.writeStringField(5, RECORD.trace);
  writer.writeStringField(6, RECORD.message);
  for (const tag of RECORD.tags) writer.writeStringField(7, tag);
  writer.writePackedVarint(8, RECORD.counts);
  writer.writeDoubleField(9, RECORD.ratio);
  return writer.finish();
}

const protobuf = encoderCases('protobuf', async () => {
  const { PbfWriter } = await loadPeer<{ PbfWriter: new (buffer?: Uint8Array) => PbfWriter }>('pbf');
  return {
    encode: (buffer) => {
      buffer.advanceMut(writeProtobuf(new PbfWriter(buffer.chunkMut())).length);
    },
    own: () => writeProtobuf(new PbfWriter()),
  };
});

const BODY = new Uint8Array(100).fill(7);

/** A frame in the style of a message broker: length, kind, time, topic, body. */
const frames = encoderCases('frame', async () => ({
  encode: (buffer) => {
    buffer
      .putU32(8 + 2 + 2 + RECORD.host.length + BODY.length)
      .putU16(7)
      .putF64(RECORD.time)
      .putU16(RECORD.host.length)
      .putUtf8(RECORD.host)
      .putSlice(BODY);
  },
  own: () => {
    const topic = RECORD.host;
    const buffer = Buffer.allocUnsafe(4 + 2 + 8 + 2 + topic.length + BODY.length);
    let at = buffer.writeUInt32BE(buffer.length - 4, 0);
    at = buffer.writeUInt16BE(7, at);
    at = buffer.writeDoubleBE(RECORD.time, at);
    at = buffer.writeUInt16BE(topic.length, at);
    at += buffer.write(topic, at, 'utf8');
    buffer.set(BODY, at);
    return buffer;
  },
}));

export const encoderRows: readonly Case[] = [...msgpackr, ...protobuf, ...frames];
