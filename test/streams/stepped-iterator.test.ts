import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteppedIterator } from '#internal/streams/stepped-iterator';
import { Outcome, settled } from '../support/outcome.js';

/** Gives what is in `ready`. The test decides when more comes, and when stopping is done. */
class Steps extends SteppedIterator<string> {
  readonly ready: (string | Error)[] = [];
  asked = 0;
  stops = 0;
  arrive: () => void = () => undefined;
  break: (reason: unknown) => void = () => undefined;
  stopped: () => void = () => undefined;
  private readonly calls: boolean;

  /** @param calls whether it calls when there is more, instead of giving promises */
  constructor(calls: boolean) {
    super();
    this.calls = calls;
    this.arrive = this.advance;
  }

  protected override take(): string | undefined {
    const next = this.ready.shift();
    if (next instanceof Error) throw next;
    return next;
  }

  protected override more(): Promise<void> | undefined {
    this.asked++;
    if (this.calls) return undefined;
    return new Promise((resolve, reject) => {
      this.arrive = resolve;
      this.break = reject;
    });
  }

  protected override stop(): Promise<void> {
    this.stops++;
    return new Promise((resolve) => {
      this.stopped = resolve;
    });
  }
}

const given = ({ value }: IteratorResult<string, undefined>): string | undefined => value;

for (const calls of [false, true]) {
  const how = calls ? 'called' : 'promised';

  test(`calls are served in their order, and a later one does not overtake (more is ${how})`, async () => {
    const steps = new Steps(calls);
    const first = steps.next().then(given);
    const second = steps.next().then(given);
    if (!calls) assert.equal(steps.asked, 1);
    steps.ready.push('a');
    const third = steps.next().then(given);
    steps.ready.push('b', 'c');
    steps.arrive();
    assert.deepEqual(await Promise.all([first, second, third]), ['a', 'b', 'c']);
  });

  test(`what is there is given at once (more is ${how})`, async () => {
    const steps = new Steps(calls);
    steps.ready.push('a');
    assert.deepEqual([await steps.next().then(given), steps.asked], ['a', 0]);
  });

  test(`return() answers the calls that wait once everything was given back (more is ${how})`, async () => {
    const steps = new Steps(calls);
    const waiting = new Outcome(steps.next());
    const returned = new Outcome(steps.return());
    await settled();
    assert.deepEqual([returned.state, steps.stops], ['pending', 1]);
    steps.stopped();
    await settled();
    assert.deepEqual([waiting.value?.done, returned.value?.done], [true, true]);
    assert.equal((await steps.return()).done, true);
    assert.deepEqual([(await steps.next()).done, steps.stops], [true, 1]);
  });

  test(`an error arrives after everything was given back, and then the iterator is at its end (more is ${how})`, async () => {
    const steps = new Steps(calls);
    const failing = new Outcome(steps.next());
    const after = new Outcome(steps.next());
    steps.ready.push(new Error('broken'));
    steps.arrive();
    await settled();
    assert.deepEqual([failing.state, after.state, steps.stops], ['pending', 'pending', 1]);
    steps.stopped();
    await settled();
    assert.match(String(failing.error), /broken/);
    assert.equal(after.value?.done, true);
    assert.equal((await steps.next()).done, true);
  });
}

test('an error that comes after return() is not told', async () => {
  const steps = new Steps(false);
  const waiting = new Outcome(steps.next());
  const returned = steps.return();
  steps.break(new Error('late'));
  await settled();
  assert.equal(waiting.value?.done, true);
  steps.stopped();
  await returned;
  assert.equal((await steps.next()).done, true);
});

test('every return() waits until everything was given back, and an error of stop() leaves nobody waiting', async () => {
  const steps = new Steps(true);
  const waiting = new Outcome(steps.next());
  const returns = [new Outcome(steps.return()), new Outcome(steps.return())];
  await settled();
  assert.deepEqual([waiting.state, ...returns.map(({ state }) => state)], ['pending', 'pending', 'pending']);
  steps.stopped();
  await settled();
  assert.deepEqual([waiting.state, ...returns.map(({ state }) => state)], ['resolved', 'resolved', 'resolved']);
  class Failing extends Steps {
    protected override stop(): Promise<void> {
      return Promise.reject(new Error('cannot stop'));
    }
  }
  const failing = new Failing(true);
  const left = failing.next();
  await assert.rejects(failing.return(), /cannot stop/);
  assert.equal((await left).done, true);
});

test('an error of more() ends the iteration, and an error of stop() does not hide it', async () => {
  const steps = new Steps(false);
  const waiting = steps.next();
  steps.break(new Error('first'));
  await settled();
  steps.stopped();
  await assert.rejects(waiting, /first/);
  assert.equal(steps.stops, 1);
});
