import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, type BytesChannel, FixedArena, TieredArena } from 'arena-alligator';
import { serveInspector } from 'arena-alligator/inspector';
import type { Snapshot } from '#internal/inspector/snapshot';

/** Sends a request as no browser may. */
function ask(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      response.resume();
      resolve(response);
    })
      .on('error', reject)
      .end();
  });
}

test('only GET with the right token, Host and Origin is answered, and nothing may frame or leave the page', async () => {
  await using inspector = await serveInspector({ arenas: {} });
  const { url } = inspector;
  const { origin, host, pathname } = new URL(url);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
  const statusOf = async (target: string, options?: RequestOptions): Promise<number | undefined> =>
    (await ask(target, options)).statusCode;
  assert.equal(await statusOf(url), 200);
  assert.equal(await statusOf(url, { headers: { origin } }), 200);
  assert.equal(await statusOf(`${url}app.js`), 200);
  assert.equal(await statusOf(`${url}missing.js`), 404);
  for (const wrong of [
    '/',
    '/events',
    `/${'x'.repeat(22)}/`,
    `${pathname.slice(0, -2)}/`,
    pathname.slice(0, -1),
    '/../package.json',
  ]) {
    assert.equal(await statusOf(`${origin}${wrong}`), 404, wrong);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
    assert.equal(await statusOf(url, { method }), 405, method);
  for (const wrong of ['evil.example', `evil.example:${host.split(':')[1]}`, '127.0.0.1']) {
    assert.equal(await statusOf(url, { headers: { host: wrong } }), 403, wrong);
  }
  for (const wrong of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
    assert.equal(await statusOf(url, { headers: { origin: wrong } }), 403, wrong);
  }
  const { headers } = await ask(url);
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['access-control-allow-origin'], undefined);
});

const outside = Object.values(networkInterfaces()).flatMap((all) =>
  (all ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal),
);

test('an open page does not keep the program running', async () => {
  const module = (name: string): string => import.meta.resolve(name);
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { FixedArena } from '${module('arena-alligator')}';
       import { serveInspector } from '${module('arena-alligator/inspector')}';
       const inspector = await serveInspector({ arenas: { one: FixedArena.withSlotCapacity(1, 8).build() } });
       console.log(inspector.url);
       setTimeout(() => undefined, 500);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  const page = await ask(`${String(data).trim()}events`);
  page.on('error', () => undefined);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('other machines cannot connect', {
  skip: outside.length === 0 && 'this machine has no other address',
}, async () => {
  await using inspector = await serveInspector({ arenas: {} });
  for (const { address } of outside) {
    await assert.rejects(ask(inspector.url.replace('127.0.0.1', address)), { code: 'ECONNREFUSED' });
  }
});

test('of a tiered arena, each tier and the fallback arena are shown', async () => {
  const tier = (size: number): FixedArena => FixedArena.withSlotCapacity(1, size).build();
  const fallback = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
  const messages = new TieredArena([tier(64), tier(256)], { fallback });
  await using inspector = await serveInspector({ arenas: { messages } });
  const response = await fetch(`${inspector.url}events`);
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const { arenas } = JSON.parse(
    Buffer.from(value ?? [])
      .toString()
      .slice('data: '.length),
  ) as Snapshot;
  assert.deepEqual(
    arenas.map(({ name }) => name),
    ['messages, 64 bytes', 'messages, 256 bytes', 'messages, fallback'],
  );
  await reader?.cancel();
});

test('it ends when it is closed, and bad arguments are refused', async () => {
  const first = await serveInspector({ arenas: {} });
  const port = Number(new URL(first.url).port);
  await assert.rejects(serveInspector({ arenas: {}, port }), { code: 'EADDRINUSE' });
  await first.close();
  await assert.rejects(ask(first.url), { code: 'ECONNREFUSED' });
  await assert.rejects(serveInspector({ arenas: {}, port: 70_000 }), RangeError);
  await assert.rejects(serveInspector({ arenas: { one: {} as FixedArena } }), /arenas\.one must be/);
  await assert.rejects(serveInspector({ arenas: {}, channels: { one: {} as BytesChannel } }), /channels\.one must be/);
  await assert.rejects(serveInspector({ arenas: null as unknown as Record<string, FixedArena> }), TypeError);
});
