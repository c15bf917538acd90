//! What the rows need from an arena, for both kinds alike.

use std::num::NonZeroUsize;

use arena_alligator::{AllocError, BuddyArena, BuddyGeometry, Buffer, FixedArena};
use bytes::{BufMut, Bytes};

pub const KIB: usize = 1024;
pub const MIB: usize = 1024 * KIB;
pub const FILL: u8 = 0x5a;

pub const BUDDY_SIZE: usize = 64 * MIB;
pub const BUDDY_BLOCK: usize = 256;

pub trait Arena: Sync {
    /// A buffer of at least `size` bytes, if there is room for one.
    fn try_take(&self, size: usize) -> Result<Buffer, AllocError>;

    /// The capacity in bytes that is allocated now.
    fn bytes_live(&self) -> usize;

    /// The number of allocations that were refused.
    fn refusals(&self) -> u64;

    #[inline]
    fn take(&self, size: usize) -> Buffer {
        self.try_take(size).expect("the arena is full")
    }

    /// Allocate `size` bytes, fill them all and freeze them.
    #[inline]
    fn filled(&self, size: usize) -> Bytes {
        let mut buffer = self.take(size);
        buffer.put_bytes(FILL, size);
        buffer.freeze()
    }

    fn assert_empty(&self) {
        assert_eq!(self.bytes_live(), 0, "the arena is not empty");
    }
}

impl Arena for FixedArena {
    #[inline]
    fn try_take(&self, _size: usize) -> Result<Buffer, AllocError> {
        self.allocate()
    }

    fn bytes_live(&self) -> usize {
        self.metrics().bytes_live
    }

    fn refusals(&self) -> u64 {
        self.metrics().allocations_failed
    }
}

impl Arena for BuddyArena {
    #[inline]
    fn try_take(&self, size: usize) -> Result<Buffer, AllocError> {
        // A buddy arena has no blocks of size 0: the empty payload takes 1 byte.
        self.allocate(NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN))
    }

    fn bytes_live(&self) -> usize {
        self.metrics().bytes_live
    }

    fn refusals(&self) -> u64 {
        self.metrics().allocations_failed
    }
}

pub fn non_zero(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("must not be 0")
}

/// `build` faults every page in; nothing is zeroed.
pub fn fixed(slots: usize, capacity: usize) -> FixedArena {
    FixedArena::with_slot_capacity(non_zero(slots), non_zero(capacity))
        .build()
        .expect("cannot build the fixed arena")
}

pub fn fixed_for(size: usize) -> FixedArena {
    let capacity = size.max(4 * KIB);
    let slots = if capacity <= 16 * KIB { 1024 } else { 64 };
    fixed(slots, capacity)
}

pub fn fixed_for_fifo(live: usize, size: usize) -> FixedArena {
    fixed((2 * live + 1).next_power_of_two(), size.max(64))
}

pub fn buddy() -> BuddyArena {
    buddy_of(BUDDY_SIZE)
}

pub fn buddy_for_fifo(live: usize, size: usize) -> BuddyArena {
    let payload = live * size;
    if payload > BUDDY_SIZE / 2 {
        buddy_of((4 * payload).next_power_of_two())
    } else {
        buddy()
    }
}

fn buddy_of(size: usize) -> BuddyArena {
    let geometry = BuddyGeometry::exact(non_zero(size), non_zero(BUDDY_BLOCK));
    BuddyArena::builder(geometry.expect("no such geometry"))
        .build()
        .expect("cannot build the buddy arena")
}

/// Take all `count` blocks of `size` bytes, then keep those that `keep` picks by their
/// place in memory.
///
/// The crate hands out blocks in its own order, so the places come from the addresses.
/// Otherwise "the first slots" would not be the same memory for every subject.
pub fn hold(
    arena: &impl Arena,
    count: usize,
    size: usize,
    keep: impl Fn(usize) -> bool,
) -> Vec<Buffer> {
    let mut buffers: Vec<Buffer> = (0..count).map(|_| arena.take(size)).collect();
    assert!(arena.try_take(size).is_err(), "the arena has more blocks");

    let base = buffers.iter_mut().map(address).min().unwrap_or(0);
    buffers.retain_mut(|buffer| keep((address(buffer) - base) / size));

    let kept = (0..count).filter(|&index| keep(index)).count();
    assert_eq!(buffers.len(), kept, "the blocks are not side by side");
    assert_eq!(arena.bytes_live(), kept * size);
    buffers
}

/// The address of an empty buffer's memory.
fn address(buffer: &mut Buffer) -> usize {
    buffer.chunk_mut().as_mut_ptr().addr()
}

pub fn verify(bytes: &[u8], size: usize) {
    assert_eq!(bytes.len(), size, "the payload has the wrong length");
    assert!(
        bytes.iter().all(|&byte| byte == FILL),
        "the payload has the wrong content"
    );
}
