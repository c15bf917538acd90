//! The ids of the cases, and the work of each one.

use std::time::Duration;

use crate::arena::{self, KIB, MIB};
use crate::measure::Outcome;
use crate::plan;
use crate::rows;
use crate::threads;

const KINDS: [Kind; 2] = [Kind::Fixed, Kind::Buddy];

#[derive(Clone, Copy)]
enum Kind {
    Fixed,
    Buddy,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Buddy => "buddy",
        }
    }
}

struct Case {
    id: String,
    run: Box<dyn FnOnce(Duration) -> Outcome>,
}

pub fn ids() -> impl Iterator<Item = String> {
    all().into_iter().map(|case| case.id)
}

/// The outcome of a case, or `None` if there is no case of that id.
pub fn run(id: &str, time: Duration) -> Option<Outcome> {
    let case = all().into_iter().find(|case| case.id == id)?;
    Some((case.run)(time))
}

/// Every case. An arena is built only when its case runs.
fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |id: String, run: Box<dyn FnOnce(Duration) -> Outcome>| {
        cases.push(Case { id, run });
    };

    for size in [0, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB] {
        for kind in KINDS {
            add(
                format!("round-trip/{size}/rust-{}", kind.name()),
                Box::new(move |time| match kind {
                    Kind::Fixed => rows::round_trip(&arena::fixed_for(size), size, time),
                    Kind::Buddy => rows::round_trip(&arena::buddy(), size, time),
                }),
            );
        }
    }
    for size in [256, 4 * KIB] {
        for kind in KINDS {
            add(
                format!("lifo-64/{size}/rust-{}", kind.name()),
                Box::new(move |time| match kind {
                    Kind::Fixed => rows::lifo(&arena::fixed_for(size), size, time),
                    Kind::Buddy => rows::lifo(&arena::buddy(), size, time),
                }),
            );
        }
    }
    for live in [64, 1024, 8192] {
        for size in [256, 4 * KIB] {
            for kind in KINDS {
                add(
                    format!("fifo-{live}/{size}/rust-{}", kind.name()),
                    Box::new(move |time| match kind {
                        Kind::Fixed => {
                            rows::fifo(&arena::fixed_for_fifo(live, size), live, size, time)
                        }
                        Kind::Buddy => {
                            rows::fifo(&arena::buddy_for_fifo(live, size), live, size, time)
                        }
                    }),
                );
            }
        }
    }
    for kind in KINDS {
        add(
            format!("random-sizes/rust-{}", kind.name()),
            Box::new(move |time| match kind {
                Kind::Fixed => rows::random_sizes(&arena::fixed_for(plan::MAX_SIZE), time),
                Kind::Buddy => rows::random_sizes(&arena::buddy(), time),
            }),
        );
    }
    add(
        "churn/rust-buddy".to_owned(),
        Box::new(|time| rows::churn(&arena::buddy(), time)),
    );
    add(
        "clone/rust-fixed".to_owned(),
        Box::new(|time| rows::clone(&arena::fixed_for(KIB), time)),
    );
    add(
        "slice/rust-fixed".to_owned(),
        Box::new(|time| rows::slice(&arena::fixed_for(KIB), time)),
    );
    for size in [2 * KIB, 8 * KIB] {
        add(
            format!("spill/{size}/rust-fixed"),
            Box::new(move |time| rows::spill(size, time)),
        );
    }
    for consumers in [8, 1000] {
        add(
            format!("fan-out/{consumers}/rust-fixed"),
            Box::new(move |time| rows::fan_out(consumers, time)),
        );
    }
    for kind in KINDS {
        for threads in [1, 2, 4] {
            for held in [0, 75] {
                add(
                    format!("contention/{}/{threads}/{held}/rust", kind.name()),
                    Box::new(move |time| match kind {
                        Kind::Fixed => threads::fixed(threads, held > 0, time),
                        Kind::Buddy => threads::buddy(threads, held > 0, time),
                    }),
                );
            }
        }
    }
    for count in [64, 4096, 262_144, 4_194_304] {
        // In thousandths: 99.9 % is not a whole number of percent.
        for (name, taken) in [("0", 0), ("99.9", count * 999 / 1000)] {
            add(
                format!("slots/{count}/{name}/rust-fixed"),
                Box::new(move |time| rows::slots(count, taken, time)),
            );
        }
    }
    for percent in [0, 50, 90] {
        add(
            format!("fragmented/{percent}/rust-buddy"),
            Box::new(move |time| rows::fragmented(percent, time)),
        );
    }
    for kind in KINDS {
        add(
            format!("latency/{}/rust", kind.name()),
            Box::new(match kind {
                Kind::Fixed => rows::latency_fixed,
                Kind::Buddy => rows::latency_buddy,
            }),
        );
    }
    cases
}
