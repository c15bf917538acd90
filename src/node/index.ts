export { BytesList } from './bytes-list.js';
export type { ChunkArena } from './chunk-arena.js';
export { type ChunkConnection, type ConnectOptions, connectChunks } from './connect-chunks.js';
export type { OpenFile } from './file-chunks.js';
export {
  type FramedRecord,
  FramingError,
  type FramingErrorCode,
  type LengthPrefixOptions,
  type LineOptions,
  lengthPrefixed,
  splitLines,
} from './framing.js';
export { type PipeOptions, pipeBytes } from './pipe-bytes.js';
export { BodyError, type BodyOptions, type BodySource, readBody } from './read-body.js';
export { type ReadOptions, readChunks } from './read-chunks.js';
export type { Source, StoppableIterator } from './stoppable.js';
export { fromReadableStream, type ReceiveOptions, toReadableStream } from './web-streams.js';
export { writeBytes } from './write-bytes.js';
