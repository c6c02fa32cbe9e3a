//! The fuzz targets for a moment: on what they start from, and on noise.

use crate::checks::{TARGETS, noise};

/// Inputs of noise for each target.
const NOISES: u64 = 40;

#[test]
fn targets_find_nothing() {
    for target in TARGETS {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            eprintln!("{}: seed {number}", target.name);
            (target.check)(seed);
        }
        for number in 0..NOISES {
            eprintln!("{}: noise {number}", target.name);
            (target.check)(&noise(number, 64 << (number % 6)));
        }
    }
}

/// An input that was found, for a closer look: `RESPQ_INPUT=target:path`.
#[test]
fn an_input_is_looked_at() {
    let Ok(input) = std::env::var("RESPQ_INPUT") else { return };
    let (name, path) = input.split_once(':').expect("target:path");
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    (target.check)(&std::fs::read(path).expect("a file"));
}
