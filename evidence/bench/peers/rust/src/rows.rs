//! The rows that run on one thread.
//!
//! Every row runs its operation once and checks the result before it measures. At the
//! end it checks that all memory was returned.

use std::array;
use std::hint::black_box;
use std::mem;
use std::time::{Duration, Instant};

use arena_alligator::{Buffer, FixedArena};
use bytes::{BufMut, Bytes};

use crate::arena::{self, Arena, BUDDY_BLOCK, BUDDY_SIZE, FILL, KIB, non_zero};
use crate::measure::{self, Outcome};
use crate::plan::{self, Churn};

pub fn round_trip(arena: &impl Arena, size: usize, time: Duration) -> Outcome {
    arena::verify(&arena.filled(size), size);
    arena.assert_empty();

    let outcome = measure::mean(time, || {
        black_box(arena.filled(size));
    });
    arena.assert_empty();
    outcome
}

pub fn lifo(arena: &impl Arena, size: usize, time: Duration) -> Outcome {
    const DEPTH: usize = 64;
    let mut stack: Vec<Bytes> = Vec::with_capacity(DEPTH);
    let mut operation = |verify: bool| {
        for _ in 0..DEPTH {
            stack.push(black_box(arena.filled(size)));
        }
        if verify {
            stack.iter().for_each(|bytes| arena::verify(bytes, size));
        }
        while let Some(bytes) = stack.pop() {
            drop(bytes);
        }
    };

    operation(true);
    arena.assert_empty();

    let outcome = measure::mean(time, || operation(false));
    arena.assert_empty();
    outcome.per_part(DEPTH as u64)
}

pub fn fifo(arena: &impl Arena, live: usize, size: usize, time: Duration) -> Outcome {
    let mut ring: Vec<Bytes> = (0..live).map(|_| arena.filled(size)).collect();
    let bytes_live = arena.bytes_live();
    let mut oldest = 0;
    let mut operation = || {
        // Drop the oldest first, so that its memory is free for the new one.
        drop(mem::take(&mut ring[oldest]));
        ring[oldest] = arena.filled(size);
        black_box(&ring[oldest]);
        oldest += 1;
        if oldest == live {
            oldest = 0;
        }
    };

    operation();
    let outcome = measure::mean(time, operation);

    ring.iter().for_each(|bytes| arena::verify(bytes, size));
    assert_eq!(arena.bytes_live(), bytes_live);
    drop(ring);
    arena.assert_empty();
    outcome
}

pub fn random_sizes(arena: &impl Arena, time: Duration) -> Outcome {
    let sizes = plan::random_sizes();
    for &size in &sizes {
        arena::verify(&arena.filled(size), size);
    }
    arena.assert_empty();

    let mut step = 0;
    let outcome = measure::mean(time, || {
        black_box(arena.filled(sizes[step]));
        step = (step + 1) & (plan::STEPS - 1);
    });
    arena.assert_empty();
    outcome
}

pub fn churn(arena: &impl Arena, time: Duration) -> Outcome {
    let mut plan = Churn::new();
    let mut live: Vec<Option<Buffer>> = plan
        .first_sizes()
        .map(|size| Some(arena.take(size)))
        .collect();
    let mut operation = || {
        let (place, size) = plan.step();
        live[place] = None;
        let buffer = live[place].insert(arena.take(size));
        black_box(&buffer).capacity() >= size
    };

    assert!(operation(), "the buffer is too small");
    let outcome = measure::mean(time, || {
        operation();
    });

    let capacity = live.iter().flatten().map(Buffer::capacity).sum();
    assert_eq!(arena.bytes_live(), capacity);
    drop(live);
    arena.assert_empty();
    outcome
}

pub fn clone(arena: &FixedArena, time: Duration) -> Outcome {
    share(arena, KIB, time, Bytes::clone)
}

pub fn slice(arena: &FixedArena, time: Duration) -> Outcome {
    share(arena, 890, time, |payload| payload.slice(10..900))
}

/// Take one more handle of `size` bytes on a payload, and release it.
fn share(
    arena: &FixedArena,
    size: usize,
    time: Duration,
    handle: impl Fn(&Bytes) -> Bytes,
) -> Outcome {
    let payload = arena.filled(KIB);
    arena::verify(&handle(&payload), size);

    let outcome = measure::mean(time, || {
        // By reference: moving the handle would cost half as much again as slicing.
        let shared = handle(&payload);
        black_box(&shared);
    });
    assert_eq!(arena.bytes_live(), arena.slot_capacity());
    drop(payload);
    arena.assert_empty();
    outcome
}

pub fn spill(size: usize, time: Duration) -> Outcome {
    let arena = FixedArena::with_slot_capacity(non_zero(64), non_zero(KIB))
        .auto_spill()
        .build()
        .expect("cannot build the arena");
    let chunk = [FILL; KIB];
    let operation = || {
        let mut buffer = arena.take(size);
        for _ in 0..size / KIB {
            buffer.put_slice(black_box(&chunk));
        }
        buffer.freeze()
    };

    arena::verify(&operation(), size);
    assert_eq!(arena.metrics().spills, 1, "the buffer did not spill");
    arena.assert_empty();

    let outcome = measure::mean(time, || {
        black_box(operation());
    });
    arena.assert_empty();
    outcome
}

/// The last messages of a consumer. It reads the oldest one when a new one takes its place.
struct Queue {
    messages: [Bytes; Self::LENGTH],
    oldest: usize,
}

impl Queue {
    const LENGTH: usize = 16;

    #[inline]
    fn push(&mut self, message: Bytes) -> u64 {
        let oldest = mem::replace(&mut self.messages[self.oldest], message);
        self.oldest = (self.oldest + 1) % Self::LENGTH;
        u64::from(oldest[0])
    }
}

pub fn fan_out(consumers: usize, time: Duration) -> Outcome {
    const SIZE: usize = 16 * KIB;
    let arena = arena::fixed(64, SIZE);
    let backlog: [Bytes; Queue::LENGTH] = array::from_fn(|_| arena.filled(SIZE));
    let mut queues: Vec<Queue> = (0..consumers)
        .map(|_| Queue {
            messages: backlog.clone(),
            oldest: 0,
        })
        .collect();
    drop(backlog);

    let mut operation = || {
        let message = arena.filled(SIZE);
        queues
            .iter_mut()
            .map(|queue| queue.push(message.clone()))
            .sum::<u64>()
    };

    let sum = consumers as u64 * u64::from(FILL);
    assert_eq!(operation(), sum, "the consumers read wrong bytes");
    let outcome = measure::mean(time, || {
        black_box(operation());
    });

    for message in queues.iter().flat_map(|queue| &queue.messages) {
        arena::verify(message, SIZE);
    }
    assert_eq!(arena.bytes_live(), Queue::LENGTH * SIZE);
    drop(queues);
    arena.assert_empty();
    outcome
}

pub fn slots(count: usize, taken: usize, time: Duration) -> Outcome {
    const SIZE: usize = 16;
    let arena = arena::fixed(count, SIZE);
    let held = if taken == 0 {
        Vec::new()
    } else {
        arena::hold(&arena, count, SIZE, |slot| slot < taken)
    };
    // The crate starts each search one word of 64 slots after the last one. Over only a
    // part of the cycle, the free slots would be nearer or farther than on average.
    let cycle = count.div_ceil(64).next_power_of_two() as u64;
    take_and_drop(&arena, SIZE, held, time, cycle)
}

pub fn fragmented(percent: usize, time: Duration) -> Outcome {
    let arena = arena::buddy();
    let held = arena::hold(
        &arena,
        BUDDY_SIZE / BUDDY_BLOCK,
        BUDDY_BLOCK,
        |block| match percent {
            0 => false,
            50 => block % 2 == 0,
            _ => block % 10 != 9,
        },
    );
    let cycle = (BUDDY_SIZE / BUDDY_BLOCK / 64) as u64;
    take_and_drop(&arena, BUDDY_BLOCK, held, time, cycle)
}

/// Allocate and drop a buffer that is never written, while others are held.
///
/// `cycle`, a power of two, is the number of operations after which a search starts at
/// the same place again.
fn take_and_drop(
    arena: &impl Arena,
    size: usize,
    held: Vec<Buffer>,
    time: Duration,
    cycle: u64,
) -> Outcome {
    let bytes_live = arena.bytes_live();
    assert_eq!(arena.take(size).capacity(), size);

    let batch = cycle.max(measure::MAX_BATCH);
    let outcome = measure::mean_of_batches(time, batch, || {
        black_box(arena.take(size));
    });
    assert_eq!(arena.bytes_live(), bytes_live);
    drop(held);
    arena.assert_empty();
    outcome
}

pub fn latency_fixed(time: Duration) -> Outcome {
    let arena = arena::fixed_for(4 * KIB);
    let operation = || {
        let (buffer, elapsed) = timed_take(&arena, 4 * KIB);
        (black_box(one_byte(buffer)), elapsed)
    };

    arena::verify(&operation().0, 1);
    arena.assert_empty();

    let outcome = measure::latency(time, || operation().1);
    arena.assert_empty();
    outcome
}

pub fn latency_buddy(time: Duration) -> Outcome {
    let arena = arena::buddy();
    let mut plan = Churn::new();
    let mut live: Vec<Bytes> = plan
        .first_sizes()
        .map(|size| one_byte(arena.take(size)))
        .collect();
    let mut operation = || {
        let (place, size) = plan.step();
        drop(mem::take(&mut live[place]));
        let (buffer, elapsed) = timed_take(&arena, size);
        live[place] = one_byte(buffer);
        elapsed
    };

    operation();
    let outcome = measure::latency(time, operation);

    live.iter().for_each(|bytes| arena::verify(bytes, 1));
    drop(live);
    arena.assert_empty();
    outcome
}

/// Allocate, and time only the allocation.
#[inline]
fn timed_take(arena: &impl Arena, size: usize) -> (Buffer, Duration) {
    let start = Instant::now();
    let buffer = arena.take(size);
    black_box(&buffer);
    let elapsed = start.elapsed();
    (buffer, elapsed)
}

#[inline]
fn one_byte(mut buffer: Buffer) -> Bytes {
    buffer.put_u8(FILL);
    buffer.freeze()
}
