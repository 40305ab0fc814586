//! The agent as a tool: `--drill [--inert] [NAME…]` proves from user space what each knob of the double does, and prints
//! the results as TAP. With `--inert` the settings under test are left out: then every drill must fail.

mod bench;
mod completion;
mod faults;
mod frames;
mod pace;
mod queues;
mod ranges;
mod stream;

use anyhow::{Result, bail, ensure};

use self::bench::Bench;
use crate::sys::double::Knob;

/// A drill: what it is called, what it proves, and how.
struct Drill {
    name: &'static str,
    /// The knob that it is about, if it is about one.
    knob: Option<Knob>,
    run: fn(&Bench) -> Result<()>,
}

impl Drill {
    const fn of(knob: Knob, name: &'static str, run: fn(&Bench) -> Result<()>) -> Self {
        Self {
            name,
            knob: Some(knob),
            run,
        }
    }

    const fn beside(name: &'static str, run: fn(&Bench) -> Result<()>) -> Self {
        Self {
            name,
            knob: None,
            run,
        }
    }
}

fn drills() -> impl Iterator<Item = &'static Drill> {
    let files = [
        pace::DRILLS,
        completion::DRILLS,
        faults::DRILLS,
        frames::DRILLS,
        queues::DRILLS,
        ranges::DRILLS,
    ];
    files.into_iter().flatten()
}

/// Runs the drills of these names, or all.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut inert = false;
    let mut names = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--inert" => inert = true,
            other if other.starts_with("--") => bail!("--drill knows no {other}"),
            _ => names.push(argument),
        }
    }
    let chosen = choose(&names)?;
    let bench = Bench::new(inert);
    println!("TAP version 13\n1..{}", chosen.len());
    for (number, drill) in (1..).zip(chosen) {
        tell(number, drill, (drill.run)(&bench));
    }
    Ok(())
}

fn choose(names: &[String]) -> Result<Vec<&'static Drill>> {
    for name in names {
        ensure!(
            drills().any(|drill| drill.name == name),
            "no drill is called {name}: there are {}",
            drills()
                .map(|drill| drill.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let chosen = |drill: &&Drill| names.is_empty() || names.iter().any(|name| name == drill.name);
    Ok(drills().filter(chosen).collect())
}

fn tell(number: usize, drill: &Drill, result: Result<()>) {
    match result {
        Ok(()) => println!("ok {number} {}", drill.name),
        Err(error) => {
            if let Some(knob) = drill.knob {
                println!("# it is about the knob {knob:?}");
            }
            println!("# {error:#}\nnot ok {number} {}", drill.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::double::TABLE;

    #[test]
    fn every_knob_has_a_drill() {
        for spec in TABLE {
            let drilled = drills().any(|drill| drill.knob == Some(spec.knob));
            assert!(drilled, "no drill proves what {} does", spec.name);
        }
    }

    #[test]
    fn every_value_of_completion_has_a_drill() {
        let of_completion = drills().filter(|drill| drill.knob == Some(Knob::Completion));
        let spec = TABLE.iter().find(|spec| spec.knob == Knob::Completion);
        let values = spec.map_or(0, |spec| spec.fields[0].highest + 1);
        assert_eq!(of_completion.count() as u64, values);
    }

    #[test]
    fn names_are_unique_and_a_wrong_one_is_refused() {
        let mut names: Vec<_> = drills().map(|drill| drill.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(choose(&["gaet".to_owned()]).is_err());
        assert_eq!(
            choose(&["gate".to_owned()]).map_or(0, |chosen| chosen.len()),
            1
        );
    }
}
