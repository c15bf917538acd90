//! The rows in which several threads share an arena.

use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use arena_alligator::{AllocError, Buffer};
use bytes::{BufMut, Bytes};

use crate::arena::{self, Arena, BUDDY_SIZE, FILL, KIB};
use crate::measure::{self, Outcome, Run};
use crate::plan;

/// One block in this many is released from the memory that is held at the start.
const FREE_ONE_IN: usize = 4;

pub fn fixed(threads: usize, held: bool, time: Duration) -> Outcome {
    const SLOTS: usize = 65_536;
    const CAPACITY: usize = 4 * KIB;
    const SIZE: usize = KIB;
    let arena = arena::fixed(SLOTS, CAPACITY);
    let held = hold_most(&arena, held, SLOTS, CAPACITY);

    let operation = || {
        let mut buffer = take_or_retry(&arena, SIZE);
        buffer.put_bytes(FILL, SIZE);
        buffer.freeze()
    };
    arena::verify(&operation(), SIZE);
    share(&arena, held, threads, time, || operation)
}

pub fn buddy(threads: usize, held: bool, time: Duration) -> Outcome {
    const BLOCK: usize = 4 * KIB;
    let arena = arena::buddy();
    let sizes = plan::contended_sizes(if held { BLOCK } else { plan::MAX_SIZE });
    let held = hold_most(&arena, held, BUDDY_SIZE / BLOCK, BLOCK);

    let operation = |size| {
        let mut buffer = take_or_retry(&arena, size);
        buffer.put_u8(1);
        buffer.freeze()
    };
    assert_eq!(&operation(sizes[0])[..], [1]);
    share(&arena, held, threads, time, || {
        // Each thread steps through all the sizes independently.
        let mut sizes = sizes.iter().cycle();
        let operation = &operation;
        move || operation(*sizes.next().expect("there are sizes"))
    })
}

fn hold_most(arena: &impl Arena, held: bool, count: usize, size: usize) -> Vec<Buffer> {
    if held {
        arena::hold(arena, count, size, |index| {
            index % FREE_ONE_IN != FREE_ONE_IN - 1
        })
    } else {
        Vec::new()
    }
}

/// Run `threads` threads at once, each with its own operation.
fn share<O: FnMut() -> Bytes>(
    arena: &impl Arena,
    held: Vec<Buffer>,
    threads: usize,
    time: Duration,
    operation: impl Fn() -> O + Sync,
) -> Outcome {
    let bytes_live = arena.bytes_live();
    // Refusals so far: when the arena was filled, it refused one block too many.
    let refused = arena.refusals();
    let meeting = Barrier::new(threads);
    let work = || {
        let mut operation = operation();
        let mut operation = || {
            black_box(operation());
        };
        let batch = measure::warm_up(time, &mut operation);
        meeting.wait();
        measure::run_for(time, batch, operation)
    };

    let runs: Vec<Run> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a thread failed"))
            .collect()
    });

    assert_eq!(arena.bytes_live(), bytes_live);
    let retries = arena.refusals() - refused;
    drop(held);
    arena.assert_empty();

    let per_ns: f64 = runs.iter().map(|run| 1.0 / run.ns()).sum();
    Outcome::Shared {
        ns: 1.0 / per_ns,
        count: runs.iter().map(|run| run.count).sum(),
        retries,
    }
}

/// Allocate, and try again when the arena is full, as the crate's own benchmark does. A
/// buddy arena refuses while another thread splits or coalesces its only large block.
#[inline]
fn take_or_retry(arena: &impl Arena, size: usize) -> Buffer {
    const SPINS: u32 = 64;
    const MOST: u32 = 10_000_000;
    for attempt in 0..MOST {
        match arena.try_take(size) {
            Ok(buffer) => return buffer,
            Err(AllocError::ArenaFull) if attempt < SPINS => spin_loop(),
            // The other thread may be waiting for this core.
            Err(AllocError::ArenaFull) => thread::yield_now(),
            Err(error) => panic!("cannot allocate {size} bytes: {error}"),
        }
    }
    panic!("the arena stays full");
}
