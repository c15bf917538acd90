//! Measures the `arena-alligator` crate, one case per process:
//!
//! ```text
//! harness --list       the ids of all cases, one per line
//! harness --version    the versions that are measured
//! harness ID MS        run one case for at least MS milliseconds
//! ```

mod arena;
mod cases;
mod measure;
mod plan;
mod rows;
mod threads;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: harness --list | --version | ID MS";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let result = match arguments[..] {
        ["--list"] => {
            for id in cases::ids() {
                println!("{id}");
            }
            Ok(())
        }
        ["--version"] => {
            println!(
                "arena-alligator {}, bytes {}, rustc {}",
                env!("ARENA_ALLIGATOR_VERSION"),
                env!("BYTES_VERSION"),
                env!("RUSTC_VERSION"),
            );
            Ok(())
        }
        [id, ms] => run(id, ms),
        _ => Err(USAGE.to_owned()),
    };

    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(id: &str, ms: &str) -> Result<(), String> {
    let time = match ms.parse() {
        Ok(ms) if ms > 0 => Duration::from_millis(ms),
        _ => return Err(format!("not a number of milliseconds: {ms}")),
    };
    let outcome = cases::run(id, time).ok_or_else(|| format!("no such case: {id}"))?;
    println!("{outcome}");
    Ok(())
}
