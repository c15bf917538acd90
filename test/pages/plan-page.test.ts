import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { planPage } from '#internal/cli/plan-page';
import { planFor } from '#internal/planner/plan';
import { decodeTrace } from '#internal/planner/trace-file';
import { skip, withChromium } from '../support/browser.js';
import { inFolder } from '../support/digest.js';

const trace = fileURLToPath(new URL('../../../examples/traces/server.trace', import.meta.url));

test(
  'the report of a plan shows its charts and its table, loads nothing, and logs no error (starts Chromium)',
  { skip },
  () =>
    inFolder((folder) =>
      withChromium(async (browser) => {
        const plan = planFor(decodeTrace(readFileSync(trace)));
        const file = join(folder, 'plan.html');
        writeFileSync(file, planPage(plan));
        for (const [width, colorScheme] of [
          [1280, 'light'],
          [400, 'dark'],
        ] as const) {
          const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
          const problems: string[] = [];
          page.on('console', (message) => problems.push(message.text()));
          page.on('pageerror', (error) => problems.push(String(error)));
          page.on('request', (request) => {
            if (!request.url().startsWith('file:')) problems.push(request.url());
          });
          await page.goto(pathToFileURL(file).href);
          assert.equal(await page.locator('.scroll tbody tr').count(), plan.outcomes.length);
          assert.equal(await page.locator('.best th').textContent(), plan.best.name);
          assert.ok((await page.locator('pre').textContent())?.includes('withSlotCapacity'));
          for (const id of ['sizes', 'live']) {
            const canvas = page.locator(`#${id} canvas`);
            const box = await canvas.boundingBox();
            assert.ok(box !== null && box.width > 0.6 * width && box.height > 200, `${id} is as wide as the page`);
            const inked = await canvas.evaluate((element) => {
              const { width: w, height: h } = element as HTMLCanvasElement;
              const pixels = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, w, h).data ?? [];
              return pixels.some((value) => value !== 0);
            });
            assert.ok(inked, `${id} is drawn`);
          }
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `the page is not wider than the window (${overflow})`);
          assert.deepEqual(problems, []);
          await page.close();
        }
      }),
    ),
);
