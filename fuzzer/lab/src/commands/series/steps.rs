//! Patch by patch: after each, everything that it touches is built, and what is warned of now and was not before is new.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::{
    applied::Applied,
    builder::{Builder, Built},
    compare::{self, Known, Step, Warts, compared},
    input::Series,
    memo::Memo,
    objects::{self, Sources},
    workshop::Workshop,
};
use crate::{progress::Stage, setup::key::Key};

/// Changes whenever this file finds something else in the same builds.
const RECIPE: &str = "series step 2";

/// The builds of a series.
pub(super) struct Steps<'a> {
    pub(super) series: &'a Series,
    pub(super) applied: &'a Applied,
    pub(super) shop: &'a Workshop,
    pub(super) tree: &'a str,
    pub(super) memo: &'a Memo,
    pub(super) builders: Vec<Box<dyn Builder>>,
}

impl Steps<'_> {
    /// For each patch that applies, what each builder found.
    pub(super) fn run(&self) -> anyhow::Result<Vec<Vec<Step>>> {
        let keys = self.keys();
        let mut known: Vec<Known> = vec![Known::new(); self.builders.len()];
        let mut sources = None;
        let mut steps = Vec::new();
        for (index, keys) in keys.iter().enumerate() {
            let recalled = keys
                .iter()
                .map(|key| self.memo.recall(key))
                .collect::<Option<Vec<Step>>>();
            let found = match recalled {
                Some(steps) => steps,
                None => {
                    if sources.is_none() {
                        sources = Some(Sources::of_tree(&self.shop.source())?);
                    }
                    let sources = sources.as_ref().expect("made above");
                    let steps = self.step(index, &known, sources)?;
                    keys.iter()
                        .zip(&steps)
                        .try_for_each(|(key, step)| self.memo.keep(key, step))?;
                    steps
                }
            };
            known = found.iter().map(|step| step.known.clone()).collect();
            steps.push(found);
        }
        Ok(steps)
    }

    /// A key for each patch and builder. What is built for a header depends on the sources of the whole series.
    fn keys(&self) -> Vec<Vec<String>> {
        let sources = Vec::from_iter(objects::sources(self.series.files().iter())).join("\n");
        let key = Key::new(RECIPE).part("tree", self.tree);
        let begun = self.builders.iter();
        let begun = begun.map(|builder| key.clone().part("builder", builder.identity()));
        let mut begun: Vec<_> = begun.collect();
        let mut keys = Vec::new();
        for patch in &self.series.patches[..self.applied.count()] {
            let has_header = patch.files().iter().any(|file| file.ends_with(".h"));
            let users = if has_header { sources.as_str() } else { "" };
            let add = |key: Key| key.part("users", users).part("patch", &patch.text);
            begun = begun.into_iter().map(add).collect();
            keys.push(begun.iter().map(|key| key.clone().finish()).collect());
        }
        keys
    }

    fn step(&self, index: usize, known: &[Known], sources: &Sources) -> anyhow::Result<Vec<Step>> {
        let patch = &self.series.patches[index];
        let stage = Stage::begin(format!("building behind {}", patch.name), None);
        self.shop.enter(self.applied, index + 1)?;
        let of_series = objects::sources(self.series.files().iter());
        let plan = objects::plan(&self.shop.source(), &patch.files(), &of_series, sources);
        let wanted: Vec<_> = self
            .builders
            .iter()
            .map(|builder| builder.wanted(&plan).clone())
            .collect();
        let built = self.build(&wanted)?;
        let before = self.before(index, known, &built)?;
        stage.done();
        let compare = |(built, before): (Built, &Known)| {
            let warts = Warts::of(before, self.applied.files());
            compared(built, before, &warts)
        };
        Ok(built.into_iter().zip(&before).map(compare).collect())
    }

    /// The warnings of what was built for the first time are compared with a build of the state before.
    fn before(&self, index: usize, known: &[Known], built: &[Built]) -> anyhow::Result<Vec<Known>> {
        let doubtful = |(built, known): (&Built, &Known)| {
            let warts = Warts::of(known, self.applied.files());
            compare::unknown(built, known, &warts)
        };
        let mut doubtful: Vec<BTreeSet<String>> = built.iter().zip(known).map(doubtful).collect();
        let mut before = known.to_vec();
        if doubtful.iter().all(BTreeSet::is_empty) {
            return Ok(before);
        }
        self.shop.enter(self.applied, index)?;
        doubtful
            .iter_mut()
            .for_each(|objects| objects.retain(|object| self.is_there(object)));
        let earlier = self.build(&doubtful)?;
        self.shop.enter(self.applied, index + 1)?;
        for (known, built) in before.iter_mut().zip(earlier) {
            known.extend(built.compiled);
        }
        Ok(before)
    }

    /// Whether an object has a source, or a selftest a folder, in the tree as it is.
    fn is_there(&self, object: &str) -> bool {
        let root = self.shop.source();
        let stem = object.strip_suffix(".o");
        match stem {
            Some(stem) => ["c", "S"]
                .iter()
                .any(|end| root.join(format!("{stem}.{end}")).is_file()),
            None => root.join("tools/testing/selftests").join(object).is_dir(),
        }
    }

    /// All builders at once: much of what make does before it compiles, it does on one core.
    fn build(&self, wanted: &[BTreeSet<String>]) -> anyhow::Result<Vec<Built>> {
        let config = self.config()?;
        std::thread::scope(|scope| {
            let builds = self.builders.iter().zip(wanted);
            let threads = builds.map(|(builder, wanted)| {
                let config = &config;
                scope.spawn(move || builder.build(wanted, config))
            });
            let threads: Vec<_> = threads.collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended
                .map(|built| built.map_err(|_| anyhow!("a build's thread panicked"))?)
                .collect()
        })
    }

    /// All that the configuration is made from and that is not as it came, in the state that the tree is in.
    fn config(&self) -> anyhow::Result<String> {
        let mut key = Key::new("configuration");
        let name = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
        let files = self.applied.files().iter();
        for file in files.filter(|file| name(file).starts_with("Kconfig")) {
            if let Some(text) = self.shop.changed(file)? {
                key = key.part(file, text);
            }
        }
        Ok(key.finish())
    }
}
