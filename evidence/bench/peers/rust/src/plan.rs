//! The sizes and places that the rows step through. They are the same for every subject.

const MODULUS: u64 = 2_147_483_647;
const MULTIPLIER: u64 = 48_271;

/// The number of steps in a plan, a power of two.
pub const STEPS: usize = 8192;
/// The number of buffers that a churn keeps alive.
const LIVE: usize = 2048;
/// The largest size in any plan.
pub const MAX_SIZE: usize = 16_384;

const MIN_CHURN_SIZE: usize = 192;

/// Park and Miller's generator.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(20_261_122)
    }

    /// A whole number in `min..=max`.
    fn between(&mut self, min: usize, max: usize) -> usize {
        self.0 = self.0 * MULTIPLIER % MODULUS;
        let value = self.0 as f64 / MODULUS as f64;
        min + (value * (max - min + 1) as f64) as usize
    }
}

pub fn random_sizes() -> Vec<usize> {
    let mut random = Random::new();
    (0..STEPS).map(|_| random.between(64, MAX_SIZE)).collect()
}

/// The sizes to allocate, and the places of the buffers that they replace.
pub struct Churn {
    sizes: Vec<usize>,
    places: Vec<usize>,
    step: usize,
}

impl Churn {
    pub fn new() -> Self {
        let mut random = Random::new();
        // All sizes are drawn before the first place.
        let sizes = (0..STEPS)
            .map(|_| random.between(MIN_CHURN_SIZE, MAX_SIZE))
            .collect();
        let places = (0..STEPS).map(|_| random.between(0, LIVE - 1)).collect();
        Self {
            sizes,
            places,
            step: 0,
        }
    }

    /// The sizes of the buffers that live at the start.
    pub fn first_sizes(&self) -> impl Iterator<Item = usize> {
        self.sizes[..LIVE].iter().copied()
    }

    /// The next place to empty, and the size to allocate for it.
    #[inline]
    pub fn step(&mut self) -> (usize, usize) {
        self.step = (self.step + 1) & (STEPS - 1);
        (self.places[self.step], self.sizes[self.step])
    }
}

/// The sizes that each thread steps through when several threads share a buddy arena.
pub fn contended_sizes(max: usize) -> Vec<usize> {
    let span = max - MIN_CHURN_SIZE + 1;
    (0..4096)
        .map(|i| MIN_CHURN_SIZE + i * MULTIPLIER as usize % span)
        .collect()
}
