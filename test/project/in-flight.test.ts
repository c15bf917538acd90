import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArenaKind, forgetInFlight } from '../support/in-flight.js';
import { RECORD } from '../support/records.js';

const MS = 1500;

const OUTCOMES: { readonly [Kind in ArenaKind]: string } = {
  plain: 'pins and reports every slot',
  isolated: 'reclaims and reports every slot',
};

for (const kind of ['plain', 'isolated'] as const) {
  test(`handles forgotten while their views are in flight: every byte arrives intact, and an arena that is ${kind} ${OUTCOMES[kind]}`, async () => {
    const end = Date.now() + MS;
    const { carriers, forgotten, pinned, reclaimed, told } = await forgetInFlight(kind, () => Date.now() >= end);
    for (const { name, sent, bytes, wrongBytes } of carriers) {
      assert.ok(sent > 0, name);
      assert.deepEqual({ bytes, wrongBytes }, { bytes: sent * RECORD, wrongBytes: 0 }, name);
    }
    const expected = kind === 'plain' ? { pinned: forgotten, reclaimed: 0 } : { pinned: 0, reclaimed: forgotten };
    assert.deepEqual({ pinned, reclaimed }, expected);
    assert.equal(told, forgotten);
  });
}
