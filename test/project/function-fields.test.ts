import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../../dist', import.meta.url));
const ASSIGNED_FUNCTION = /[\w\])]\.\w+ (?:\?\?|\|\|)?= (?:async )?(?:function\b|\w+ =>|\([^()]*\) =>)/;

test('the pattern finds functions that are assigned to properties, and no others', () => {
  for (const line of [
    'this.a = () => 1;',
    'this.b = async (x, y) => x;',
    'x[0].c ??= y => y;',
    'd().e = function () {',
  ]) {
    assert.match(line, ASSIGNED_FUNCTION);
  }
  for (const line of ['this.a = shortLived(() => 1);', 'const f = () => 1;', 'a.b === (c)', 'this.a = (b);']) {
    assert.doesNotMatch(line, ASSIGNED_FUNCTION);
  }
});

// src/base/short-lived.ts says why.
test('no function is made in the old generation by assigning it to a property', () => {
  const files = readdirSync(dist, { encoding: 'utf8', recursive: true }).filter((file) => file.endsWith('.js'));
  assert.ok(files.length > 100);
  const found = files.flatMap((file) =>
    readFileSync(join(dist, file), 'utf8')
      .split('\n')
      .filter((line) => ASSIGNED_FUNCTION.test(line) && !/^\s*(\*|\/[*/])/.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  assert.deepEqual(found, []);
});
