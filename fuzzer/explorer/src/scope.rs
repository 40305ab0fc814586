//! Scopes: what is explored, as a small text file.
//!
//! ```text
//! scope reconfig-resize
//! states the CAPTURE queue of a stateful decoder is rebuilt while jobs run
//! depth 30
//! allocations 4
//! buffers out 1 cap 2
//!
//! setup
//!   a = open double
//!   reqbufs a out mmap 1
//!
//! symbol give
//!   qbuf a cap $cap
//!
//! observe
//!   s3 = export_sync d@a:cap:$cap rw
//! ```
//!
//! `setup` is how every program begins. A `symbol` is what a program does next: one call, or several that stand for one step
//! of userspace; it ends early at the first call that fails, as a program that checks for errors does. `observe` is done at
//! the end of every program. Three words are filled in: `$cap` and `$out` stand for each buffer in turn (one symbol
//! for each), `d+` for a dma-buf slot that nothing was in before, and `d@a:cap:0` for the newest export of that buffer (a
//! symbol that names one is left out while there is none).

use std::ops::Range;

use program::{Program, Step};

use crate::{canonical::Naming, world::World};

/// A scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// What is explored, in a few words.
    pub title: String,
    /// Most symbols in a program.
    pub depth: u32,
    /// Most times that a queue gets buffers, those of the set-up included.
    pub allocations: u32,
    /// OUTPUT and CAPTURE buffers of the first file whose names may be exchanged.
    pub buffers: (usize, usize),
    setup: Vec<Line>,
    symbols: Vec<Template>,
    observe: Vec<Line>,
}

/// An operation, and where it stood in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    text: String,
    /// For each buffer the step that it is, unless that depends on the state.
    fixed: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    name: String,
    lines: Vec<Line>,
}

impl Template {
    /// Whether it means anything when no file is open. What is done to a closed descriptor never reaches a driver.
    fn needs_no_file(&self) -> bool {
        let first = self.lines.first().map_or("", |line| &line.text);
        let of_others = ["reload", "queue r", "reinit r", "close r", "poll r"];
        first.contains("= open") || of_others.iter().any(|word| first.starts_with(word))
    }
}

/// A symbol with its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Choice {
    /// Index of the symbol in its scope.
    pub symbol: u8,
    /// The buffer that `$cap` or `$out` stands for; 0 if the symbol names none.
    pub buffer: u8,
}

/// A scope file that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ScopeError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub why: String,
}

fn refuse<T>(line: usize, why: impl Into<String>) -> Result<T, ScopeError> {
    let why = why.into();
    Err(ScopeError { line, why })
}

/// Which lines follow.
enum Section {
    Head,
    Setup,
    Symbol,
    Observe,
}

impl std::str::FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut scope = Scope {
            name: String::new(),
            title: String::new(),
            depth: 0,
            allocations: u32::MAX,
            buffers: (0, 0),
            setup: Vec::new(),
            symbols: Vec::new(),
            observe: Vec::new(),
        };
        let mut section = Section::Head;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim_end();
            let number = number + 1;
            if line.starts_with(' ') {
                scope.operations(&section, number, line.trim())?;
            } else if !line.is_empty() {
                section = scope.keyword(number, line)?;
            }
        }
        scope.check(text.lines().count())?;
        Ok(scope)
    }
}

impl Scope {
    fn keyword(&mut self, number: usize, line: &str) -> Result<Section, ScopeError> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "scope" => self.name = rest.to_owned(),
            "states" => self.title = rest.to_owned(),
            "depth" => self.depth = read(number, rest)?,
            "allocations" => self.allocations = read(number, rest)?,
            "buffers" => self.buffers = buffers(number, rest)?,
            "setup" => return Ok(Section::Setup),
            "observe" => return Ok(Section::Observe),
            "symbol" => {
                let name = rest.to_owned();
                let lines = Vec::new();
                self.symbols.push(Template { name, lines });
                return Ok(Section::Symbol);
            }
            other => {
                return refuse(
                    number,
                    format!(
                        "`{other}` is none of scope, states, depth, allocations, buffers, setup, symbol, observe \
                         (operations are indented)"
                    ),
                );
            }
        }
        Ok(Section::Head)
    }

    fn operations(
        &mut self,
        section: &Section,
        number: usize,
        line: &str,
    ) -> Result<(), ScopeError> {
        let lines = match (section, self.symbols.last_mut()) {
            (Section::Setup, _) => &mut self.setup,
            (Section::Observe, _) => &mut self.observe,
            (Section::Symbol, Some(symbol)) => &mut symbol.lines,
            _ => return refuse(number, "an operation outside of setup, symbol and observe"),
        };
        for text in line
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            lines.push(Line::new(number, text)?);
        }
        Ok(())
    }

    fn check(&self, last: usize) -> Result<(), ScopeError> {
        if self.name.is_empty() || self.title.is_empty() {
            return refuse(
                1,
                "a scope has a name (`scope NAME`) and says what it explores (`states …`)",
            );
        }
        if self.depth == 0 || self.symbols.is_empty() {
            return refuse(
                last,
                "nothing to explore: give `depth N` and at least one `symbol`",
            );
        }
        if let Some(symbol) = self.symbols.iter().find(|symbol| symbol.lines.is_empty()) {
            return refuse(last, format!("symbol {} does nothing", symbol.name));
        }
        let (mut world, steps) = (World::new(), self.setup.len());
        let played = self
            .play(&mut world, &self.setup, 0)
            .map_or(0, |played| played.len());
        if let Some(line) = self.setup.get(played).filter(|_| played < steps) {
            return refuse(
                line.number,
                format!("the set-up does not get as far as `{}`", line.text),
            );
        }
        if self.symbols.len() > usize::from(u8::MAX) || self.buffers.0.max(self.buffers.1) > BUFFERS
        {
            return refuse(
                last,
                format!("at most 255 symbols and {BUFFERS} buffers a queue fit"),
            );
        }
        Ok(())
    }

    /// How every program begins, and the state after it.
    pub fn begin(&self) -> (World, Vec<Step>) {
        let mut world = World::new();
        let steps = self.play(&mut world, &self.setup, 0).unwrap_or_default();
        (world, steps)
    }

    /// Every symbol with every buffer, in the order of the file.
    pub fn choices(&self) -> impl Iterator<Item = Choice> + '_ {
        (0u8..).zip(&self.symbols).flat_map(|(symbol, template)| {
            let buffers = self.range(template).map(|buffer| buffer as u8);
            buffers.map(move |buffer| Choice { symbol, buffer })
        })
    }

    /// The buffers that a symbol goes through.
    fn range(&self, template: &Template) -> Range<usize> {
        let names = |word: &str| template.lines.iter().any(|line| line.text.contains(word));
        match (names("$out"), names("$cap")) {
            (true, _) => 0..self.buffers.0,
            (_, true) => 0..self.buffers.1,
            _ => 0..1,
        }
    }

    /// Does a symbol: the steps that it stands for in this state. `None` if it is out of bounds, or cannot be said.
    pub fn take(&self, world: &mut World, choice: Choice) -> Option<Vec<Step>> {
        let template = self.symbols.get(usize::from(choice.symbol))?;
        if !world.is_open() && !template.needs_no_file() {
            return None;
        }
        let steps = self.play(world, &template.lines, choice.buffer.into())?;
        (world.allocations() <= self.allocations).then_some(steps)
    }

    /// What is done at the end of every program, in this state.
    pub fn observe(&self, world: &mut World) -> Vec<Step> {
        let one = |line: &Line| {
            let names_buffer = line.text.contains("$cap") || line.text.contains("$out");
            let count = if names_buffer {
                self.buffers.0.max(self.buffers.1)
            } else {
                1
            };
            (0..count)
                .map(move |buffer| (line.clone(), buffer))
                .collect::<Vec<_>>()
        };
        let lines = self.observe.iter().flat_map(one);
        let mut steps = Vec::new();
        for (line, buffer) in lines {
            steps.extend(self.play(world, &[line], buffer).unwrap_or_default());
        }
        steps
    }

    /// Applies lines up to the first call that fails, which is the last of the steps.
    fn play(&self, world: &mut World, lines: &[Line], buffer: usize) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        for line in lines {
            let step = line.step(world, buffer)?;
            // One call at a time is left to another thread.
            if step.asynchronous && world.is_blocked() {
                return None;
            }
            let told = world.apply(&step);
            steps.push(step);
            if told.is_err() {
                break;
            }
        }
        Some(steps)
    }

    /// The same choice after a renaming: `naming` leads to the names that `choice` is written in.
    pub fn renamed(&self, choice: Choice, naming: impl Fn(bool, usize) -> usize) -> Choice {
        let template = &self.symbols[usize::from(choice.symbol)];
        let names = |word: &str| template.lines.iter().any(|line| line.text.contains(word));
        let old = usize::from(choice.buffer);
        let buffer = match (names("$out"), names("$cap")) {
            (true, _) => naming(true, old),
            (_, true) => naming(false, old),
            _ => old,
        };
        Choice {
            buffer: buffer as u8,
            ..choice
        }
    }

    /// A choice as people read it.
    pub fn name(&self, choice: Choice) -> String {
        let template = &self.symbols[usize::from(choice.symbol)];
        match self.range(template).len() {
            1 => template.name.clone(),
            _ => format!("{}({})", template.name, choice.buffer),
        }
    }

    /// The names of the symbols.
    pub fn symbols(&self) -> impl Iterator<Item = &str> {
        self.symbols.iter().map(|symbol| symbol.name.as_str())
    }

    /// The renaming of the canonical form of this world.
    pub fn canonical(&self, world: &World) -> (crate::State, Naming) {
        crate::canonical(world, self.buffers.0, self.buffers.1)
    }
}

/// Most buffers of a queue.
const BUFFERS: usize = 4;

impl Line {
    fn new(number: usize, text: &str) -> Result<Line, ScopeError> {
        let mut line = Line {
            number,
            text: text.to_owned(),
            fixed: Vec::new(),
        };
        line.check()?;
        let depends = |word: &str| word == "d+" || word.starts_with("d@");
        if !text.split_whitespace().any(depends) {
            let nowhere = World::new();
            let steps = (0..BUFFERS).map_while(|buffer| line.fill_in(&nowhere, buffer));
            line.fixed = steps.collect();
        }
        Ok(line)
    }

    /// Whether it is an operation that the model knows, whatever is filled in.
    fn check(&self) -> Result<(), ScopeError> {
        let filled = self.text.replace("$cap", "0").replace("$out", "0");
        let words = filled.split_whitespace().map(|word| match word {
            named if named == "d+" || named.starts_with("d@") => "d0",
            word => word,
        });
        let text = words.collect::<Vec<_>>().join(" ");
        let program: Result<Program, _> = text.parse();
        match program.as_ref().map(|program| program.steps.as_slice()) {
            Ok([step]) if World::knows(step) => self.check_export(),
            Ok(_) => refuse(
                self.number,
                format!("the model does not know `{}`", self.text),
            ),
            Err(error) => refuse(
                self.number,
                format!(
                    "`{}`: expected {}, found {}",
                    self.text, error.expected, error.found
                ),
            ),
        }
    }

    fn check_export(&self) -> Result<(), ScopeError> {
        let mut named = self
            .text
            .split_whitespace()
            .filter(|word| word.starts_with("d@"));
        match named.find(|word| place(&word.replace("$cap", "0").replace("$out", "0")).is_none()) {
            Some(word) => refuse(self.number, format!("`{word}` is not like `d@a:cap:0`")),
            None => Ok(()),
        }
    }

    /// The step that it is in this state.
    fn step(&self, world: &World, buffer: usize) -> Option<Step> {
        let fixed = self.fixed.get(buffer).cloned();
        fixed.or_else(|| self.fill_in(world, buffer))
    }

    /// The line with everything filled in.
    fn fill_in(&self, world: &World, buffer: usize) -> Option<Step> {
        let index = buffer.to_string();
        let mut text = String::new();
        for word in self.text.split_whitespace() {
            let word = word.replace("$cap", &index).replace("$out", &index);
            let word = match word.as_str() {
                "d+" => world.free_export().to_string(),
                named if named.starts_with("d@") => {
                    let (file, queue, index) = place(named)?;
                    world.newest_export(file, queue, index)?.to_string()
                }
                _ => word,
            };
            text.push_str(&word);
            text.push(' ');
        }
        let program: Program = text.parse().ok()?;
        program.steps.into_iter().next()
    }
}

/// Reads `d@a:cap:0`.
fn place(word: &str) -> Option<(program::File, program::Queue, usize)> {
    let mut parts = word.strip_prefix("d@")?.split(':');
    let file = parts.next()?.as_bytes().first()?.checked_sub(b'a')?;
    let queue = match parts.next()? {
        "out" => program::Queue::Output,
        "cap" => program::Queue::Capture,
        _ => return None,
    };
    let index = parts.next()?.parse().ok()?;
    parts
        .next()
        .is_none()
        .then_some((program::File(file), queue, index))
}

fn read(line: usize, text: &str) -> Result<u32, ScopeError> {
    match text.parse() {
        Ok(number) => Ok(number),
        Err(_) => refuse(line, format!("expected a number, found `{text}`")),
    }
}

fn buffers(line: usize, text: &str) -> Result<(usize, usize), ScopeError> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        ["out", out, "cap", cap] => Ok((read(line, out)? as usize, read(line, cap)? as usize)),
        _ => refuse(
            line,
            format!("expected `buffers out N cap N`, found `buffers {text}`"),
        ),
    }
}
