import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TraceError } from '#internal/planner/trace-error';
import { decodeTrace, isTraceFile, TraceEncoder } from '#internal/planner/trace-file';

/** A file of an allocation of 100 bytes at 1 ms that is released at 3 ms. */
function small(): Uint8Array {
  const encoder = new TraceEncoder();
  encoder.released(encoder.allocated(100, 1000), 3000);
  return encoder.end();
}

test('what was encoded is decoded again: sizes, order and times', () => {
  const step = fc.record({
    size: fc.integer({ min: 1, max: 2 ** 32 }),
    delay: fc.nat(2 ** 40),
    releases: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), (program) => {
      const encoder = new TraceEncoder();
      const live: number[] = [];
      const [sizes, steps, times]: [number[], number[], number[]] = [[], [], []];
      let now = 0;
      const parts: Uint8Array[] = [];
      for (const { size, delay, releases } of program) {
        now += delay;
        const oldest = releases ? live.shift() : undefined;
        if (oldest === undefined) {
          live.push(encoder.allocated(size, now));
          steps.push(sizes.push(size) - 1);
        } else {
          encoder.released(oldest, now);
          steps.push(-1 - oldest);
        }
        times.push(now / 1000);
        if (delay % 3 === 0) parts.push(encoder.take());
      }
      const data = Buffer.concat([...parts, encoder.end()]);
      assert.equal(isTraceFile(data), true);
      const trace = decodeTrace(data);
      assert.deepEqual([trace.sizes, trace.steps, trace.times], [sizes, steps, times]);
    }),
  );
});

test('a clock that goes back stands still in the trace', () => {
  const encoder = new TraceEncoder();
  encoder.allocated(1, 5000);
  encoder.allocated(1, 4000);
  encoder.allocated(1, 7000);
  assert.deepEqual(decodeTrace(encoder.end()).times, [5, 5, 7]);
});

test('a file that was cut off anywhere is refused with the place', () => {
  const data = small();
  for (let length = 8; length < data.length; length++) {
    assert.throws(
      () => decodeTrace(data.subarray(0, length)),
      (error: unknown) => {
        assert.ok(error instanceof TraceError);
        assert.match(error.message, /cannot be read at byte \d+: it was cut off/);
        return true;
      },
    );
  }
  assert.equal(isTraceFile(Buffer.from('100\n200\n')), false);
  assert.equal(isTraceFile(data.subarray(0, 5)), false);
});

test('a damaged file gives a clear error, and never a crash or a wrong trace without notice', () => {
  const data = small();
  const changed = (at: number, byte: number): Uint8Array => {
    const copy = Uint8Array.from(data);
    copy[at] = byte;
    return copy;
  };
  assert.throws(() => decodeTrace(Buffer.concat([data, Buffer.of(0)])), /there is more after its end/);
  assert.throws(() => decodeTrace(changed(data.length - 1, 7)), /says that it has 7 steps, but it has 2/);
  assert.throws(() => decodeTrace(Buffer.concat([data.subarray(0, 8), Buffer.alloc(9, 255)])), /a number is too long/);
  const release = Buffer.concat([data.subarray(0, 8), Buffer.of(1, 3)]);
  assert.throws(() => decodeTrace(release), /released, but it is not live/);
  const encoder = new TraceEncoder();
  encoder.allocated(10 * 2 ** 30, 0);
  assert.throws(() => decodeTrace(encoder.end()), /an allocation of 10737418240 bytes is larger than any arena/);
  assert.throws(() => decodeTrace(new TraceEncoder().end()), /has no allocation/);
  fc.assert(
    fc.property(fc.nat(data.length - 9), fc.nat(255), (at, byte) => {
      try {
        decodeTrace(changed(8 + at, byte));
      } catch (error) {
        assert.ok(error instanceof TraceError);
      }
    }),
  );
});
