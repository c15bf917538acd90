//! Passes the versions of the actual build to `harness --version`.

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");

    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock is missing");
    for (package, variable) in [
        ("arena-alligator", "ARENA_ALLIGATOR_VERSION"),
        ("bytes", "BYTES_VERSION"),
    ] {
        println!(
            "cargo::rustc-env={variable}={}",
            locked_version(&lock, package)
        );
    }

    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC");
    let output = Command::new(rustc).arg("--version").output();
    let version = String::from_utf8(output.expect("rustc does not run").stdout)
        .expect("rustc's version is not UTF-8");
    // The output is like "rustc 1.95.0 (hash date)". Only the number is needed.
    let number = version.split_whitespace().nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=RUSTC_VERSION={number}");
}

/// The version that stands after `name = "package"` in a lock file.
fn locked_version<'a>(lock: &'a str, package: &str) -> &'a str {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""))
        .and_then(|line| line.strip_suffix('"'))
        .unwrap_or_else(|| panic!("{package} is not in Cargo.lock"))
}
