import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { close, createWriteStream, openSync, read, readSync, type WriteStream, write, writeSync } from 'node:fs';
import {
  Agent,
  type ClientRequest,
  createServer as createHttpServer,
  get,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { settled } from './outcome.js';
import { RECORD, Receipts } from './records.js';

/**
 * Sends records through the system and checks them on arrival. The carrier itself keeps no view, only the system does.
 */
export abstract class Carrier {
  abstract readonly name: string;
  readonly receipts: Receipts = new Receipts();
  sent = 0;
  /** The most bytes that a stream had in its own queue, outside the kernel. */
  mostQueued = 0;
  /** The most records that may be in transit. */
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get underWay(): number {
    return this.sent - this.receipts.records;
  }

  /** Whether it can take another record now. */
  get isReady(): boolean {
    return this.underWay < this.most;
  }

  send(view: Uint8Array, record: number): void {
    this.sent++;
    this.put(view, record);
  }

  /** Closes the carrier. Nothing may be in transit. */
  abstract close(): Promise<void>;

  protected abstract put(view: Uint8Array, record: number): void;

  protected queued({ writableLength }: Writable): void {
    this.mostQueued = Math.max(this.mostQueued, writableLength);
  }
}

/** Bytes that a slow reader takes before it pauses, and its longest pause in ms. */
const GULP = 4 * RECORD;
const PAUSE = 150;

function readSlowly(stream: Readable, take: (chunk: Uint8Array) => void): void {
  let gulp = 0;
  stream.on('data', (chunk: Uint8Array) => {
    take(chunk);
    gulp += chunk.length;
    if (gulp < GULP) return;
    gulp = 0;
    stream.pause();
    setTimeout(() => stream.resume(), Math.random() * PAUSE);
  });
}

/** A TCP socket whose peer reads slowly. */
class SocketCarrier extends Carrier {
  readonly name = 'socket';
  private readonly writer: Socket;

  constructor(most: number, writer: Socket, reader: Socket) {
    super(most);
    this.writer = writer;
    readSlowly(reader, (chunk) => this.receipts.take(chunk));
  }

  async close(): Promise<void> {
    this.writer.end();
    await once(this.writer, 'close');
  }

  protected put(view: Uint8Array, record: number): void {
    this.receipts.expect(record);
    this.writer.write(view);
    this.queued(this.writer);
  }
}

async function openSocket(most: number): Promise<Carrier> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  const accepted = once(server, 'connection');
  await once(server, 'listening');
  const writer = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [reader] = (await accepted) as [Socket];
  server.close();
  const carrier = new SocketCarrier(most, writer, reader);
  reader.resume();
  return carrier;
}

/** HTTP responses of {@link PER_RESPONSE} records each, one after the other, to a client that reads slowly. */
class HttpCarrier extends Carrier {
  readonly name = 'http';
  private readonly server: Server;
  private readonly agent: Agent = new Agent({ keepAlive: true });
  private request: ClientRequest | undefined;
  private response: ServerResponse | undefined;
  private written = 0;
  private hasLength = false;
  private isClosing = false;

  constructor(most: number, server: Server) {
    super(most);
    this.server = server;
    server.on('request', (_request, response: ServerResponse) => {
      this.hasLength = !this.hasLength; // every other response is chunked
      if (this.hasLength) response.setHeader('content-length', PER_RESPONSE * RECORD);
      this.response = response;
    });
    this.ask();
  }

  override get isReady(): boolean {
    return super.isReady && this.response !== undefined;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.request?.destroy();
    this.agent.destroy();
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  protected put(view: Uint8Array, record: number): void {
    const { response } = this;
    if (response === undefined) throw new Error('no request is open');
    this.receipts.expect(record);
    this.written++;
    if (this.written % PER_RESPONSE > 0) {
      response.write(view);
      this.queued(response);
    } else {
      this.response = undefined;
      response.end(view);
    }
  }

  private ask(): void {
    if (this.isClosing) return;
    const { port } = this.server.address() as AddressInfo;
    this.request = get({ port, host: '127.0.0.1', agent: this.agent }, (response) => {
      readSlowly(response, (chunk) => this.receipts.take(chunk));
      response.once('end', () => this.ask());
      response.on('error', (error) => this.failed(error));
    });
    this.request.on('error', (error) => this.failed(error));
  }

  private failed(error: Error): void {
    if (!this.isClosing) throw error;
  }
}

const PER_RESPONSE = 24;

async function openHttp(most: number): Promise<Carrier> {
  const server = createHttpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new HttpCarrier(most, server);
}

const closeFile = promisify(close);

/** Reads the record at `position` of a file. */
function readBack(file: number, position: number): Uint8Array {
  const bytes = new Uint8Array(RECORD);
  return bytes.subarray(0, readSync(file, bytes, 0, RECORD, position));
}

/** The longest delay in ms. */
const HOLD = 30;
/** The number of threads that the runtime uses for files. */
const THREADS = 4;

/** Delays all file operations for a while, as a slow disk does. */
class Jam {
  private readonly file: number;
  private blocked = 0;

  constructor(path: string) {
    execFileSync('mkfifo', [path]);
    this.file = openSync(path, 'r+');
  }

  /** Starts a delay unless one is under way. */
  start(): void {
    if (this.blocked > 0) return;
    this.blocked = THREADS;
    for (let thread = 0; thread < THREADS; thread++) {
      read(this.file, new Uint8Array(1), 0, 1, null, () => void this.blocked--);
    }
    setTimeout(() => writeSync(this.file, new Uint8Array(THREADS)), Math.random() * HOLD);
  }

  async close(): Promise<void> {
    while (this.blocked > 0) await settled();
    await closeFile(this.file);
  }
}

/** `fs.write` of several records at once, each to its place in one file. */
class FileCarrier extends Carrier {
  readonly name = 'fs.write';
  private readonly file: number;
  private readonly places: number[];
  private readonly jam: Jam;

  constructor(most: number, path: string, jam: Jam) {
    super(most);
    this.jam = jam;
    this.file = openSync(path, 'w+');
    this.places = Array.from({ length: most }, (_, index) => index * RECORD);
  }

  async close(): Promise<void> {
    await this.jam.close();
    await closeFile(this.file);
  }

  protected put(view: Uint8Array, record: number): void {
    const { file, places } = this;
    const place = places.pop() ?? 0;
    this.jam.start();
    write(file, view, 0, RECORD, place, (error, written) => {
      if (error !== null) throw error;
      if (written !== RECORD) throw new Error(`${written} bytes were written`);
      this.receipts.takeRecord(record, readBack(file, place));
      places.push(place);
    });
  }
}

/** `fs.createWriteStream`, with a new stream after {@link PER_FILE} records. */
class FileStreamCarrier extends Carrier {
  readonly name = 'file stream';
  private readonly path: string;
  private stream: WriteStream | undefined;
  private file = -1;
  private written = 0;
  private readonly jam: Jam;

  constructor(most: number, path: string, jam: Jam) {
    super(most);
    this.path = path;
    this.jam = jam;
    this.open();
  }

  override get isReady(): boolean {
    return super.isReady && this.stream !== undefined;
  }

  async close(): Promise<void> {
    const { stream } = this;
    if (stream === undefined) return;
    stream.end();
    await once(stream, 'close');
    await closeFile(this.file);
  }

  protected put(view: Uint8Array, record: number): void {
    const { stream, file } = this;
    if (stream === undefined) throw new Error('no file is open');
    const place = this.written * RECORD;
    this.written++;
    this.jam.start();
    stream.write(view, (error) => {
      if (error != null) throw error;
      this.receipts.takeRecord(record, readBack(file, place));
    });
    this.queued(stream);
    if (this.written < PER_FILE) return;
    this.stream = undefined;
    stream.end();
    stream.once('close', () => void closeFile(file).then(() => this.open()));
  }

  private open(): void {
    this.written = 0;
    this.file = openSync(this.path, 'w+');
    this.stream = createWriteStream(this.path, { flags: 'r+' });
  }
}

const PER_FILE = 32;

/** A Writable that keeps each chunk for a while before it reads it. */
class HoldingCarrier extends Carrier {
  readonly name = 'Writable';
  private readonly writable: Writable;

  constructor(most: number) {
    super(most);
    this.writable = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        setTimeout(() => {
          this.receipts.take(chunk);
          done();
        }, Math.random() * HOLD);
      },
    });
  }

  async close(): Promise<void> {
    this.writable.end();
    await once(this.writable, 'close');
  }

  protected put(view: Uint8Array, record: number): void {
    this.receipts.expect(record);
    this.writable.write(view);
    this.queued(this.writable);
  }
}

/**
 * Opens one carrier of each kind. Sockets get more records than the kernel buffers.
 * @param folder where files are made
 */
export async function openCarriers(folder: string): Promise<Carrier[]> {
  const jam = new Jam(join(folder, 'jam'));
  return [
    await openSocket(24),
    await openHttp(24),
    new FileCarrier(8, join(folder, 'written'), jam),
    new FileStreamCarrier(8, join(folder, 'streamed'), jam),
    new HoldingCarrier(8),
  ];
}
