//! What the fuzz targets do with an input, each in a function of its own, and inputs to start from.
//!
//! The model tests include this, too, and run it on the seeds and on noise: so the targets compile,
//! and what was found stays found.

pub mod acl_rules;
pub mod commands;
pub mod config_file;
mod dice;
mod fixture;
pub mod lua;
pub mod replay;
pub mod request;
pub mod restore;
mod syntax;
mod words;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// Panics if something is wrong.
    pub check: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All fuzz targets.
pub const TARGETS: &[Target] = &[
    Target { name: "acl_rules", check: acl_rules::check, seeds: acl_rules::seeds },
    Target { name: "commands", check: commands::check, seeds: commands::seeds },
    Target { name: "config_file", check: config_file::check, seeds: config_file::seeds },
    Target { name: "lua", check: lua::check, seeds: lua::seeds },
    Target { name: "replay", check: replay::check, seeds: replay::seeds },
    Target { name: "request", check: request::check, seeds: request::seeds },
    Target { name: "restore", check: restore::check, seeds: restore::seeds },
];

/// Writes the seeds of a target into the folder that `RESPQ_SEEDS` names, if it does.
pub fn write_seeds(target: &str) {
    let Some(folder) = std::env::var_os("RESPQ_SEEDS") else { return };
    let folder = std::path::PathBuf::from(folder);
    for target in TARGETS.iter().filter(|row| row.name == target) {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let path = folder.join(format!("seed-{number:03}"));
            std::fs::write(path, seed).expect("the folder of seeds can be written");
        }
    }
}

/// Bytes by chance, the same for the same `seed`.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mix = |state: u64| {
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB)
    };
    let mut state = mix(seed.wrapping_add(0x9E37_79B9_7F4A_7C15));
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(state).to_le_bytes()[7]
    });
    bytes.take(len).collect()
}

/// Texts as inputs.
fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
