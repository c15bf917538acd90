import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkInteger, describe } from '../base/check.js';
import { BuddyArena, BytesChannel, FixedArena, TieredArena } from '../index.js';
import { assets } from './assets.js';
import { ChannelSurvey } from './channel-survey.js';
import { pathOf } from './requests.js';
import type { Snapshot } from './snapshot.js';
import { Survey } from './survey.js';

export interface InspectorOptions {
  /** The arenas to show, by name. Of a tiered arena, each tier and the fallback arena are shown. */
  readonly arenas: Readonly<Record<string, FixedArena | BuddyArena | TieredArena>>;
  /** Channels between threads to show, by name: how many messages wait in them. */
  readonly channels?: Readonly<Record<string, BytesChannel>> | undefined;
  /** Port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number | undefined;
}

/** A page that shows arenas. */
export interface Inspector extends AsyncDisposable {
  /** The address of the page. It contains a random token, without which nothing is shown. */
  readonly url: string;
  /** Ends the server and all open pages. */
  close(): Promise<void>;
}

/** ms between two snapshots. */
const EVERY = 250;

/** A page that does not take this many bytes misses snapshots. */
const MOST_WAITING = 1024 * 1024;

/**
 * Serves a page on 127.0.0.1 that shows arenas live. The page can only look. While no page is open, it costs nothing.
 * The server does not keep the program running.
 * @throws TypeError, RangeError (as rejections) for bad arguments; the error of a port that is in use
 */
export async function serveInspector({ arenas, channels = {}, port = 0 }: InspectorOptions): Promise<Inspector> {
  const surveys = [...surveysOf(arenas), ...channelsOf(channels)];
  checkInteger(port, 'port', 0, 65_535);
  const token = randomBytes(16).toString('base64url');
  const files = assets();
  const pages = new Pages(surveys);
  const server = createServer((request, response) => {
    const path = pathOf(request, portOf(server), token);
    if (typeof path === 'object') refuse(response, path.status, path.reason);
    else if (path === 'events') pages.add(request, response);
    else {
      const file = files.get(path);
      if (file === undefined) refuse(response, 404, 'there is no such page');
      else response.writeHead(200, { ...HEADERS, 'content-type': file.type }).end(file.content);
    }
  });
  server.on('connection', (socket) => void socket.unref());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  const close = async (): Promise<void> => {
    pages.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${portOf(server)}/${token}/`, close, [Symbol.asyncDispose]: close };
}

/** Everything comes from this server, and nobody may frame the page or learn its address. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain', connection: 'close' }).end(`${reason}\n`);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function surveysOf(arenas: InspectorOptions['arenas']): readonly Survey[] {
  if (typeof arenas !== 'object' || arenas === null) {
    throw new TypeError(`arenas must be an object of arenas by name, got ${describe(arenas)}`);
  }
  return Object.entries(arenas).flatMap(([name, arena]) => {
    if (arena instanceof FixedArena || arena instanceof BuddyArena) return [new Survey(name, arena)];
    if (!(arena instanceof TieredArena)) {
      throw new TypeError(`arenas.${name} must be a FixedArena, BuddyArena or TieredArena, got ${describe(arena)}`);
    }
    const { tiers, fallback } = arena;
    const surveys = tiers.map((tier) => new Survey(`${name}, ${tier.slotCapacity} bytes`, tier));
    if (fallback !== undefined && fallback !== 'heap') surveys.push(new Survey(`${name}, fallback`, fallback));
    return surveys;
  });
}

function channelsOf(channels: Readonly<Record<string, BytesChannel>>): readonly ChannelSurvey[] {
  return Object.entries(channels).map(([name, channel]) => {
    if (!(channel instanceof BytesChannel)) {
      throw new TypeError(`channels.${name} must be a BytesChannel, got ${describe(channel)}`);
    }
    return new ChannelSurvey(name, channel);
  });
}

type AnySurvey = Survey | ChannelSurvey;

/** The pages that are open. Snapshots are made only for them. */
class Pages {
  private readonly surveys: readonly AnySurvey[];
  private readonly open = new Set<ServerResponse>();
  private timer: NodeJS.Timeout | undefined;
  /** Whether a page came after the last snapshot: maps that did not change are sent once more then. */
  private hasNew = false;

  constructor(surveys: readonly AnySurvey[]) {
    this.surveys = surveys;
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    // A second request on a connection has no socket of its own, and would not hear that the page has gone.
    for (const end of [response, request.socket]) end.once('close', () => this.remove(response));
    this.open.add(response);
    response.write(eventOf(this.snapshot(true)));
    this.hasNew = true;
    this.timer ??= setInterval(() => this.send(), EVERY).unref();
  }

  close(): void {
    for (const response of this.open) this.remove(response);
  }

  private remove(response: ServerResponse): void {
    response.destroy();
    this.open.delete(response);
    if (this.open.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private send(): void {
    const event = eventOf(this.snapshot(this.hasNew));
    this.hasNew = false;
    for (const response of this.open) {
      if (response.writableLength < MOST_WAITING) response.write(event);
      else this.hasNew = true; // it misses this map
    }
  }

  private snapshot(isFirst: boolean): Snapshot {
    return { time: performance.now(), arenas: this.surveys.map((survey) => survey.look(isFirst)) };
  }
}

function eventOf(snapshot: Snapshot): string {
  return `data: ${JSON.stringify(snapshot)}\n\n`;
}
