//! A campaign is repeated by its seed, so the programs for the double may only change on purpose.

use program::{Mutation, Profile, Program, Seeded, generate};

/// Of the programs below. Whoever changes the generator or the mutations on purpose changes this number with them.
const FINGERPRINT: u64 = 0xff04b7b80a4eb166;

/// FNV-1a
fn hash(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A chain of mutations of a generated program, as a campaign makes it.
fn chain(seed: u64) -> Vec<Program> {
    let mut choose = Seeded::new(seed);
    let profile = Profile::default().swarm(&mut choose);
    let mut programs = vec![generate(&mut choose, &profile)];
    let donor = generate(&mut choose, &Profile::default());
    for mutation in Mutation::ALL {
        let profile = Profile::default().swarm(&mut choose);
        let last = programs.last().expect("one was generated");
        programs.extend(mutation.apply(last, &donor, &profile, &mut choose));
    }
    programs
}

#[test]
fn the_same_seed_makes_the_same_programs_for_the_double() {
    let programs = (0..400).flat_map(chain);
    let seen = programs.fold(0xc9e9_1cde_8dcd_7d54, |seen, program| {
        hash(seen, &program.to_string())
    });
    assert_eq!(seen, FINGERPRINT, "{seen:#x}");
}
