//! Clocks, and the outcome of a case as one line of JSON.

use std::fmt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// How long a batch of operations may run between two readings of the clock.
const BATCH_TIME_NS: f64 = 640_000.0;
/// The largest number of operations in a batch.
pub const MAX_BATCH: u64 = 64;

pub enum Outcome {
    Mean {
        ns: f64,
        count: u64,
    },
    /// Threads that share an arena. `retries` counts the allocations that it refused.
    Shared {
        ns: f64,
        count: u64,
        retries: u64,
    },
    Latency(Histogram<u64>),
}

impl Outcome {
    /// Count each operation as `parts` operations.
    pub fn per_part(self, parts: u64) -> Self {
        match self {
            Self::Mean { ns, count } => Self::Mean {
                ns: ns / parts as f64,
                count: count * parts,
            },
            other => other,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean { ns, count } => write!(f, r#"{{"ns":{ns:.3},"count":{count}}}"#),
            Self::Shared { ns, count, retries } => {
                write!(f, r#"{{"ns":{ns:.3},"count":{count},"retries":{retries}}}"#)
            }
            Self::Latency(histogram) => write!(
                f,
                r#"{{"p50":{},"p99":{},"p999":{},"max":{},"ns":{:.3}}}"#,
                histogram.value_at_quantile(0.5),
                histogram.value_at_quantile(0.99),
                histogram.value_at_quantile(0.999),
                histogram.max(),
                histogram.mean(),
            ),
        }
    }
}

/// The number of operations, and the time they took.
pub struct Run {
    pub count: u64,
    pub elapsed: Duration,
}

impl Run {
    pub fn ns(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.count as f64
    }
}

impl From<Run> for Outcome {
    fn from(run: Run) -> Self {
        Self::Mean {
            ns: run.ns(),
            count: run.count,
        }
    }
}

/// Run `operation` until `time` is up, reading the clock once per batch.
#[inline]
pub fn run_for(time: Duration, batch: u64, mut operation: impl FnMut()) -> Run {
    let mut count = 0;
    let start = Instant::now();
    loop {
        for _ in 0..batch {
            operation();
        }
        count += batch;
        let elapsed = start.elapsed();
        if elapsed >= time {
            return Run { count, elapsed };
        }
    }
}

/// Warm up, and return the number of operations for a batch.
pub fn warm_up(time: Duration, operation: impl FnMut()) -> u64 {
    let run = run_for(warm_up_time(time), 1, operation);
    ((BATCH_TIME_NS / run.ns()) as u64).clamp(1, MAX_BATCH)
}

fn warm_up_time(time: Duration) -> Duration {
    (time / 4).clamp(Duration::from_millis(10), Duration::from_millis(500))
}

/// The mean time of `operation` after warming up.
pub fn mean(time: Duration, mut operation: impl FnMut()) -> Outcome {
    let batch = warm_up(time, &mut operation);
    run_for(time, batch, operation).into()
}

/// The mean time of `operation` after warming up, over whole batches of a given size.
pub fn mean_of_batches(time: Duration, batch: u64, mut operation: impl FnMut()) -> Outcome {
    warm_up(time, &mut operation);
    run_for(time, batch, operation).into()
}

/// The distribution of the times that `operation` returns, after warming up.
pub fn latency(time: Duration, mut operation: impl FnMut() -> Duration) -> Outcome {
    // Whole nanoseconds up to a minute, with 3 digits: the histogram never has to grow.
    let mut histogram =
        Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid");
    let batch = warm_up(time, || {
        operation();
    });
    run_for(time, batch, || {
        histogram.saturating_record(operation().as_nanos() as u64);
    });
    Outcome::Latency(histogram)
}
