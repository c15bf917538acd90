import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer as collect } from 'node:stream/consumers';
import { inFolder } from './digest.js';

/** A named pipe. */
export class Pipe {
  /** A call on it waits, in a thread of the runtime, until it can be done. */
  readonly file: number;
  private readonly impatient: number;

  constructor(path: string) {
    execFileSync('mkfifo', [path]);
    this.file = openSync(path, 'r+');
    this.impatient = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Fills the pipe, so that the next write has to wait. */
  fill(): void {
    const page = Buffer.alloc(4096, FILLING);
    while (isDone(() => writeSync(this.impatient, page)));
  }

  write(text: string): void {
    writeSync(this.impatient, text);
  }

  /** Reads all that was written to the pipe, except the filling. @param written settles when nothing more is written */
  async drain(written: Promise<unknown>): Promise<string> {
    let text = '';
    const page = Buffer.alloc(4096);
    const empty = (): void => {
      while (isDone(() => (text += page.toString('latin1', 0, readSync(this.impatient, page)))));
    };
    empty();
    await written;
    empty();
    return text.replaceAll(FILLING, '');
  }

  close(): void {
    closeSync(this.impatient);
    closeSync(this.file);
  }
}

const FILLING = '.';

/** Whether `call` did its work; false when it would have to wait. */
function isDone(call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

export function withPipe<T>(use: (pipe: Pipe) => Promise<T>): Promise<T> {
  return inFolder(async (folder) => {
    const pipe = new Pipe(join(folder, 'pipe'));
    try {
      return await use(pipe);
    } finally {
      pipe.close();
    }
  });
}

/**
 * Lets `send` write to a socket whose peer reads nothing until `send` returns.
 * @returns the bytes that the peer received
 */
export function overSocket(send: (write: (view: Uint8Array) => void) => Promise<void>): Promise<Buffer> {
  return inFolder(async (folder) => {
    const path = join(folder, 'socket');
    const server = createServer({ pauseOnConnect: true }).listen(path);
    const accepted = once(server, 'connection');
    await once(server, 'listening');
    const writer = connect(path);
    const [reader] = (await accepted) as [Socket];
    server.close();
    const written: Promise<void>[] = [];
    await send((view) => void written.push(new Promise((resolve) => writer.write(view, () => resolve()))));
    // Not `end()`: a stream that counted bytes never finishes when they were detached before it wrote them.
    void Promise.all(written).then(() => writer.destroy());
    return collect(reader);
  });
}

/**
 * Lets `answer` answer a request whose client reads nothing until `answer` returns.
 * @returns the received part of the body
 */
export function overHttp(answer: (response: ServerResponse) => Promise<void>): Promise<Buffer> {
  return inFolder(async (folder) => {
    const path = join(folder, 'http');
    const server = createHttpServer().listen(path);
    const asked = once(server, 'request');
    await once(server, 'listening');
    const client = connect(path);
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const [, response] = (await asked) as [unknown, ServerResponse];
    server.close();
    await answer(response);
    const received = await collect(client);
    return received.subarray(received.indexOf('\r\n\r\n') + 4);
  });
}
