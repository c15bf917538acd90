import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { serveInspector } from 'arena-alligator/inspector';
import type { Page } from 'playwright-core';
import { assertAllReturned } from '../support/arenas.js';
import { skip, withChromium } from '../support/browser.js';

const figure = (page: Page, arena: string, name: string): ReturnType<Page['locator']> =>
  page.locator(`section[aria-label="${arena}"] [data-figure="${name}"] dd`);

const state = (page: Page, arena: string, name: string): ReturnType<Page['locator']> =>
  page.locator(`section[aria-label="${arena}"] [data-state="${name}"]`);

/** Waits until the page shows `text`. */
async function shows(place: ReturnType<Page['locator']>, text: string): Promise<void> {
  await place.filter({ hasText: new RegExp(`^${text}$`) }).waitFor({ timeout: 10_000 });
}

async function colorOf(page: Page, arena: string, x: number): Promise<string> {
  return page.locator(`section[aria-label="${arena}"] canvas.map`).evaluate((canvas, at) => {
    const context = (canvas as HTMLCanvasElement).getContext('2d');
    return [...(context?.getImageData(at, 2, 1, 1).data ?? [])].join();
  }, x);
}

async function checkPage(page: Page, url: string, slots: AsyncFixedArena, tree: BuddyArena): Promise<void> {
  const problems: string[] = [];
  page.on('console', (message) => {
    // The test reads the colors of the map, and not the page.
    if (!message.text().includes('willReadFrequently')) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:'))
      problems.push(request.url());
  });
  await page.goto(url);
  await shows(page.locator('#status'), 'live');
  const { allocationsOk, bytesReserved } = slots.metrics();
  await shows(figure(page, 'slots', 'allocationsOk'), allocationsOk.toLocaleString('en'));
  await shows(
    figure(page, 'slots', 'bytesReserved'),
    bytesReserved < 1000 ? `${bytesReserved} B` : `${bytesReserved / 1000} kB`,
  );
  await shows(figure(page, 'tree', 'splits'), String(tree.metrics().splits));
  await shows(state(page, 'slots', 'free'), 'free 8');
  const free = await colorOf(page, 'slots', 2);

  // A slot that is taken, frozen and lent shows.
  const buffer = slots.allocate().putUtf8('content');
  await shows(state(page, 'slots', 'writing'), 'writing 1');
  const bytes = buffer.freeze();
  await shows(state(page, 'slots', 'frozen'), 'frozen 1');
  await shows(figure(page, 'slots', 'bytesLive'), '64 B');
  const slot = (bytes.view.byteOffset / 64) * 18;
  await shows(state(page, 'slots', 'lent'), 'lent 1');
  assert.notEqual(await colorOf(page, 'slots', slot + 2), free);
  assert.match(
    (await page.locator('section[aria-label="slots"] canvas.map').getAttribute('aria-label')) ?? '',
    /7 free.*1 lent/,
  );

  // Requests that wait, and open allocations by site.
  const others = Array.from({ length: 7 }, () => slots.allocate());
  const waiting = slots.allocateAsync();
  await shows(figure(page, 'slots', 'waiting'), '1');
  await page
    .locator('section[aria-label="slots"] table.sites td', { hasText: 'inspector-page.test' })
    .first()
    .waitFor();

  // Pause with the keyboard, step back to where the slot was free, and go on.
  await page.keyboard.press('Space');
  await page.locator('#status', { hasText: 'paused' }).waitFor();
  bytes.release();
  (await waiting).abandon();
  for (const other of others) other.abandon();
  await page.waitForTimeout(600);
  assert.equal(await figure(page, 'slots', 'bytesLive').textContent(), '512 B', 'a paused page stands still');
  for (let step = 0; step < 200 && (await figure(page, 'slots', 'bytesLive').textContent()) !== '0 B'; step++) {
    await page.keyboard.press('ArrowLeft');
  }
  assert.equal(await figure(page, 'slots', 'bytesLive').textContent(), '0 B');
  assert.match((await page.locator('#status').textContent()) ?? '', /paused, \d+\.\d s ago/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await shows(page.locator('#status'), 'live');
  await shows(state(page, 'slots', 'free'), 'free 8');

  for (const by of ['holders', 'age']) await page.locator('#color').selectOption(by);
  for (const canvas of await page.locator('.charts canvas').all()) {
    const box = await canvas.boundingBox();
    assert.ok(box !== null && box.width > 150 && box.height > 100);
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is not wider than the window (${overflow})`);
  for (let button = 0; button < 3; button++) await page.keyboard.press('Tab');
  assert.deepEqual(problems, []);
}

for (const [width, colorScheme] of [
  [1280, 'light'],
  [400, 'dark'],
] as const) {
  test(
    `the page shows what metrics() says, follows the slots and obeys the keyboard: ${width} px, ${colorScheme} (starts Chromium)`,
    { skip, timeout: 60_000 },
    () =>
      withChromium(async (browser) => {
        const slots = FixedArena.withSlotCapacity(8, 64).leakDetection('full').buildAsync();
        const tree = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
        for (const used of Array.from({ length: 8 }, () => slots.allocate())) used.abandon();
        tree.allocate(100).abandon();
        await using inspector = await serveInspector({ arenas: { slots, tree } });
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        await checkPage(page, inspector.url, slots, tree);
        const background = await page.evaluate(() =>
          getComputedStyle(document.documentElement).getPropertyValue('--free').trim(),
        );
        assert.equal(background, colorScheme === 'dark' ? '#2c2c2c' : '#e7e7e7');
        await inspector.close();
        await page.locator('#status', { hasText: 'the program is gone' }).waitFor();
        for (const arena of [slots, tree]) assertAllReturned(arena);
      }),
  );
}
