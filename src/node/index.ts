export * from '../streams/index.js';
export { type ChunkConnection, type ConnectOptions, connectChunks } from './connect-chunks.js';
export type { OpenFile } from './file-chunks.js';
export { type PipeOptions, pipeBytes } from './pipe-bytes.js';
export { BodyError, type BodyOptions, type BodySource, readBody } from './read-body.js';
export { type ReadOptions, readChunks } from './read-chunks.js';
export { type WriteOptions, writeBytes } from './write-bytes.js';
