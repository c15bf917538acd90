import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotifyWaiters } from 'arena-alligator';
import { FakeClock } from '../support/clock.js';
import { settled } from '../support/outcome.js';

/** Registers a request whose `claim` returns `isServed` and adds `name` to `asked`. @returns leaves the line */
function join(waiters: NotifyWaiters, order: number, asked: string[], name: string, isServed = true): () => void {
  const registration = waiters.register(order);
  registration.prepare({
    claim: () => {
      asked.push(name);
      if (isServed) registration.revoke();
      return isServed;
    },
    reserve: () => false,
  });
  return () => registration.revoke();
}

test('requests that waited 10 ms are served by age alone; before that the order counts too', () => {
  using clock = new FakeClock();
  for (const [wait, expected] of [
    [5, ['large', 'small']],
    [10, ['small', 'large']],
  ] as const) {
    const waiters = new NotifyWaiters();
    const asked: string[] = [];
    join(waiters, 0, asked, 'small');
    clock.advance(0.04);
    join(waiters, 1, asked, 'large');
    clock.advance(wait);
    waiters.wake(1);
    waiters.wake(1);
    assert.deepEqual(asked.slice(0, 1), expected.slice(0, 1));
  }
});

test('the head of a long line counts as at most 1 ms older', () => {
  using clock = new FakeClock();
  const waiters = new NotifyWaiters();
  const asked: string[] = [];
  join(waiters, 1, asked, 'old');
  clock.advance(1.2);
  for (let number = 0; number < 400; number++) join(waiters, 0, asked, `${number}`);
  waiters.wake(1);
  assert.equal(asked[0], 'old');
});

test('hints go to as many requests as fit in the freed block, and to no more', async () => {
  const waiters = new NotifyWaiters();
  const woken: number[] = [];
  for (let number = 0; number < 6; number++) {
    const registration = waiters.register(0);
    registration.prepare();
    registration.woken.then(() => woken.push(number));
  }
  waiters.wake(1);
  await settled();
  assert.deepEqual(woken, [0, 1]);
  waiters.wake(0);
  await settled();
  assert.deepEqual(woken, [0, 1, 2]);
});

test('if a large request cannot be served, the next smaller one is tried', () => {
  const waiters = new NotifyWaiters();
  const asked: string[] = [];
  const leave = [join(waiters, 2, asked, 'four', false), join(waiters, 1, asked, 'two', false)];
  join(waiters, 0, asked, 'one');
  waiters.wake(2);
  assert.deepEqual(asked, ['four', 'two', 'one']);
  for (const go of leave) go();
});

test('when a request leaves at the front, in the middle or at the end, the others stay in line', () => {
  for (let leaving = 0; leaving < 4; leaving++) {
    const waiters = new NotifyWaiters();
    const asked: string[] = [];
    const leave = ['a', 'b', 'c', 'd'].map((name) => join(waiters, 0, asked, name));
    leave[leaving]?.();
    join(waiters, 0, asked, 'e');
    waiters.wake(0);
    for (let round = 0; round < 4; round++) waiters.wake(0);
    assert.deepEqual(
      asked,
      ['a', 'b', 'c', 'd', 'e'].filter((_, index) => index !== leaving),
    );
  }
});
