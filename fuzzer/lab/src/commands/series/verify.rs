//! `lab series verify`: what would a maintainer send this series back for?

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::Context;

use super::{
    applied::Applied,
    assemble::{self, Gathered},
    checkpatch,
    docs::Docs,
    finding::{Cell, Weight},
    input::Series,
    kbuild::Arch,
    maintainers::Recipients,
    memo::Memo,
    report::Report,
    steps::Steps,
    table,
    toolbox::Tools,
    trees::{self, Tree},
    workshop::{self, Turn, Workshop},
};
use crate::{
    clone,
    exit::{Exit, malformed},
    json, process,
    progress::Stage,
    setup::{Options, cache::Cache, key::Key, packages, sparse},
};

/// Changes whenever the same inputs give another report.
const RECIPE: &str = "series report 3";

/// Arguments of `lab series verify`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The folder with the patches, as `git format-patch` writes them [default: the project's own series]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Apply to the kernel tree in DIR or to the packaged source of a VERSION like 7.2, and build on the first one named;
    /// repeatable [default: the lab's own packaged source and 7.2]
    #[arg(long, value_name = "DIR|VERSION")]
    pub tree: Vec<PathBuf>,
    /// Build for these architectures only
    #[arg(long, value_name = "ARCH", value_enum, value_delimiter = ',')]
    pub arch: Vec<Arch>,
    /// Use no result of an earlier run
    #[arg(long)]
    pub fresh: bool,
    /// Write everything to FILE as JSON, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const HELP: &str = "\
Checks each patch of a series for any part of the kernel, in any state of completion: it applies (git am), checkpatch.pl \
--strict, no new warnings with W=1, of sparse and of kernel-doc, everything that it touches compiles behind it on each \
architecture (LLVM, a configuration like allmodconfig), its selftests compile, and its mail form. A complaint that is none \
becomes a note, with the reason: a new file that MAINTAINERS has already, how TRACE_EVENT is written, a three-way merge on \
a tree other than the first.\n\n\
The exit code is 0 if nothing would be sent back, 10 if something would (the first thing is named last), 2 if DIR holds \
no patches, 1 if the set-up failed. Trees are never written to. Results are kept: only what changed is checked again.\n\n\
What a release lacks and the series builds on stands in DIR/prerequisites/RELEASE/ and is applied in front of it.";

/// Verifies, prints, and says how it ended.
pub(super) fn run(args: &Args, options: &Options) -> anyhow::Result<Exit> {
    let dir = match args.dir.clone().or_else(|| options.series.clone()) {
        Some(dir) => dir
            .canonicalize()
            .map_err(|error| malformed(format!("{}: {error}", dir.display())))?,
        None => clone::root()?.join("kernel-patches"),
    };
    let series = Series::read(&dir)?;
    let report = report(&series, args, options)?;
    print!("{}", table::text(&report));
    if let Some(file) = &args.json {
        fs::write(file, json::text(&report)?).with_context(|| file.display().to_string())?;
    }
    let exit = match report.of(Weight::Bounce).next() {
        None => {
            println!("\n{} patches: nothing to send back", series.patches.len());
            Exit::HELD
        }
        Some(first) => {
            println!(
                "\n{} complaints; the first: {}",
                report.bounces,
                table::line(&first)
            );
            Exit::BOUNCED
        }
    };
    Ok(exit)
}

fn report(series: &Series, args: &Args, options: &Options) -> anyhow::Result<Report> {
    let cache = Cache::open(options.cache.as_deref())?;
    packages::ensure_for_series(&cache, !options.no_install)?;
    let trees = trees::find(&args.tree, options, &cache)?;
    let tools = Tools::find(&args.arch, options, sparse::ensure(&cache)?)?;
    let memo = Memo::open(&workshop::folder(&cache).join("results"), args.fresh)?;
    let key = key(series, &trees, &tools);
    if let Some(report) = memo.recall(&key) {
        return Ok(report);
    }
    let turn = Turn::wait(&cache)?;
    let report = Verifier {
        series,
        trees: &trees,
        tools: &tools,
        memo: &memo,
        cache: &cache,
        turn: &turn,
    }
    .verify()?;
    memo.keep(&key, &report)?;
    Ok(report)
}

fn key(series: &Series, trees: &[Tree], tools: &Tools) -> String {
    let mut key = Key::new(RECIPE);
    for tree in trees {
        key = key
            .part("tree", &tree.name)
            .part("identity", &tree.source.identity);
    }
    let before = series.prerequisites.values().flatten();
    for letter in series.cover.iter().chain(&series.patches).chain(before) {
        key = key.part("name", &letter.name).part("text", &letter.text);
    }
    let arches = tools
        .arches
        .iter()
        .map(|arch| arch.name())
        .collect::<Vec<_>>()
        .join(" ");
    let checkers = [
        &tools.clang,
        &tools.compiler,
        &tools.sparse.version,
        &arches,
    ]
    .map(String::as_str)
    .join("\n");
    let spelling = process::find("codespell").is_some();
    key.part("tools", checkers)
        .part("codespell", spelling.to_string())
        .finish()
}

struct Verifier<'a> {
    series: &'a Series,
    trees: &'a [Tree],
    tools: &'a Tools,
    memo: &'a Memo,
    cache: &'a Cache,
    turn: &'a Turn,
}

impl Verifier<'_> {
    fn verify(&self) -> anyhow::Result<Report> {
        let stage = Stage::begin("applying the patches", None);
        let applied = self.apply()?;
        stage.done();
        let first = &applied[0];
        let shop = Workshop::open(self.cache, &self.trees[0].source, self.turn)?;
        shop.enter(first, first.count())?;
        let texts = self.texts(&shop, first)?;
        let recipients = Recipients::of(&shop.source(), &self.series.patches)?;
        let steps = Steps {
            series: self.series,
            applied: first,
            shop: &shop,
            tree: &self.trees[0].source.identity,
            memo: self.memo,
            builders: self.tools.builders(&shop, self.cache)?,
        };
        let built = steps.run()?;
        let names = steps.builders.iter();
        let names: Vec<_> = names.map(|builder| builder.name().to_owned()).collect();
        let gathered = Gathered {
            series: self.series,
            trees: self.trees,
            applied: &applied,
            texts,
            builders: &names,
            built: &built,
            recipients,
        };
        Ok(gathered.report())
    }

    /// The series on each tree. It was made for the first one.
    fn apply(&self) -> anyhow::Result<Vec<Applied>> {
        let mut applied = vec![Applied::apply(&self.trees[0], self.series)?];
        for tree in &self.trees[1..] {
            let elsewhere = applied[0].apply_elsewhere(tree, self.series)?;
            applied.push(elsewhere);
        }
        Ok(applied)
    }

    /// Everything that is found by reading: checkpatch and documentation.
    fn texts(
        &self,
        shop: &Workshop,
        applied: &Applied,
    ) -> anyhow::Result<Vec<BTreeMap<String, Cell>>> {
        let about = self.series.patches.len() as u64;
        let mut stage = Stage::begin("reading the patches", Some(about));
        let tree = shop.source();
        let mut docs = Docs::new(&tree);
        let mut cells = Vec::new();
        for (index, patch) in self.series.patches.iter().enumerate() {
            stage.step(&patch.name);
            let style = Cell::of(checkpatch::check(&tree, patch)?);
            let files = patch.files();
            let files: Vec<_> = files.iter().map(String::as_str).collect();
            let documented = if index < applied.count() {
                let found = docs.check(applied, index, &files)?;
                found.map_or(Cell::Nothing, Cell::of)
            } else {
                assemble::blocked()
            };
            let named = [("checkpatch", style), ("kernel-doc", documented)];
            cells.push(named.map(|(name, cell)| (name.to_owned(), cell)).into());
        }
        stage.done();
        Ok(cells)
    }
}
