//! Text to program. Nothing is half accepted: the first thing that does not fit is an error that says where and why.

use std::str::FromStr;

use crate::op::{MAX_OPS, Op, Program, Step};
use crate::syntax::OpKind;

/// A program and where its steps stood in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The program.
    pub program: Program,
    /// The line of each step.
    pub source: SourceMap,
}

/// The line of each step of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    lines: Vec<usize>,
}

impl SourceMap {
    /// The line (from 1) of the step with this index.
    pub fn line(&self, step: usize) -> Option<usize> {
        self.lines.get(step).copied()
    }
}

/// A text that is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What would have fitted.
    pub expected: String,
    /// What stands there, quoted, or "the end of the line".
    pub found: String,
}

/// Parses a program.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut steps = Vec::new();
    let mut source = SourceMap::default();
    for (number, line) in text.lines().enumerate() {
        for statement in statements(number + 1, line) {
            let step = statement.step()?;
            if steps.len() == MAX_OPS {
                return Err(statement.error(0, format!("at most {MAX_OPS} operations")));
            }
            steps.push(step);
            source.lines.push(number + 1);
        }
    }
    Ok(Parsed {
        program: Program { steps },
        source,
    })
}

impl FromStr for Program {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map(|parsed| parsed.program)
    }
}

/// A word of the text.
#[derive(Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    column: usize,
}

/// The words between two `;`.
struct Statement<'t> {
    line: usize,
    tokens: Vec<Token<'t>>,
    /// What stands behind the last word: `;` or nothing.
    end: Token<'t>,
}

/// Splits a line into words. `=` and `;` are words of their own wherever they stand; `#` ends the line.
fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    let code = line.split('#').next().unwrap_or_default();
    let ends = code.char_indices().chain([(code.len(), ' ')]);
    for (column, (at, letter)) in ends.enumerate() {
        let mark = matches!(letter, '=' | ';');
        if !mark && !letter.is_whitespace() {
            start.get_or_insert((at, column));
            continue;
        }
        if let Some((from, column)) = start.take() {
            found.push(Token {
                text: &code[from..at],
                column: column + 1,
            });
        }
        if mark {
            found.push(Token {
                text: &code[at..at + 1],
                column: column + 1,
            });
        }
    }
    found
}

/// The statements of a line; none if the line is empty or a comment.
fn statements(line: usize, text: &str) -> Vec<Statement<'_>> {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return Vec::new();
    }
    let code = text.split('#').next().unwrap_or_default().trim_end();
    let end_of_line = Token {
        text: "",
        column: code.chars().count() + 1,
    };
    let ends = tokens
        .iter()
        .filter(|token| token.text == ";")
        .chain([&end_of_line]);
    let pieces = tokens.split(|token| token.text == ";");
    pieces
        .zip(ends)
        .map(|(piece, end)| Statement {
            line,
            tokens: piece.to_vec(),
            end: *end,
        })
        .collect()
}

/// The furthest place that any reading of a statement got to, and what would have fitted there.
#[derive(Default)]
struct Furthest {
    position: usize,
    expected: Vec<String>,
}

impl Furthest {
    fn miss(&mut self, position: usize, expected: String) {
        if position > self.position {
            self.position = position;
            self.expected.clear();
        }
        if position == self.position && !self.expected.contains(&expected) {
            self.expected.push(expected);
        }
    }
}

impl Statement<'_> {
    fn step(&self) -> Result<Step, ParseError> {
        let asynchronous = self.text(0) == "async";
        let first = usize::from(asynchronous);
        let op = self.op(first)?;
        if asynchronous && !op.kind().may_be_async() {
            let rule = "no `async` before an operation that makes or closes a slot, \
                        `join` or `advance`";
            return Err(self.error(0, rule.into()));
        }
        Ok(Step { op, asynchronous })
    }

    /// Tries every operation that the statement's word names and reports the attempt that got furthest.
    fn op(&self, first: usize) -> Result<Op, ParseError> {
        let bound = self.text(first + 1) == "=";
        let head = if bound { first + 2 } else { first };
        let named = |kind: &&OpKind| kind.words().contains(&self.text(head));
        let mut furthest = Furthest::default();
        for kind in OpKind::ALL.iter().filter(named) {
            if let Some(op) = self.attempt(*kind, first, &mut furthest) {
                return Ok(op);
            }
        }
        if furthest.expected.is_empty() {
            return Err(self.error(head, an_operation(self.text(head))));
        }
        Err(self.error(furthest.position, furthest.expected.join(" or ")))
    }

    fn attempt(&self, kind: OpKind, first: usize, furthest: &mut Furthest) -> Option<Op> {
        let mut op = kind.blank();
        let mut position = first;
        for mut part in op.parts() {
            part.set_default();
            if let Some(word) = part.announced_by() {
                if self.text(position) != word {
                    furthest.miss(position, format!("`{word}`"));
                    continue;
                }
                position += 1;
                if position == self.tokens.len() || !part.read(self.text(position)) {
                    furthest.miss(position, part.expected());
                    return None;
                }
                position += 1;
                continue;
            }
            if position < self.tokens.len() && part.read(self.text(position)) {
                position += 1;
                while part.wants_more() && part.read(self.text(position)) {
                    position += 1;
                }
                if part.wants_more() {
                    furthest.miss(position, part.expected());
                }
                continue;
            }
            let bound = position == first && kind.makes_slot();
            let equals = if bound { " and `=`" } else { "" };
            furthest.miss(position, part.expected() + equals);
            if !part.is_optional() {
                return None;
            }
        }
        if position < self.tokens.len() {
            furthest.miss(position, "the end of the operation".into());
            return None;
        }
        Some(op)
    }

    fn text(&self, position: usize) -> &str {
        self.tokens.get(position).map_or("", |token| token.text)
    }

    fn error(&self, position: usize, expected: String) -> ParseError {
        let token = self.tokens.get(position).copied().unwrap_or(self.end);
        ParseError {
            line: self.line,
            column: token.column,
            expected,
            found: quote(token.text),
        }
    }
}

/// Quotes what stands in the text, harmless to a terminal and no longer than a line.
fn quote(text: &str) -> String {
    const SHOWN: usize = 40;
    let shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    match text.chars().count() {
        0 => "the end of the line".into(),
        length if length > SHOWN => format!("`{shown}…`"),
        _ => format!("`{shown}`"),
    }
}

/// "An operation", with the nearest one if the word looks misspelt.
fn an_operation(word: &str) -> String {
    let near = OpKind::ALL
        .iter()
        .flat_map(|kind| kind.words())
        .min_by_key(|name| distance(name, word));
    match near {
        Some(name) if distance(name, word) <= 2 && name.len() > 3 => {
            format!("an operation (perhaps `{name}`)")
        }
        _ => "an operation".into(),
    }
}

/// Edits between a word of the language and what stands in the text, counted no further than a word can be misspelt.
fn distance(name: &str, word: &str) -> usize {
    if word.len() > 2 * name.len() {
        return word.len();
    }
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (line, expected) in name.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], line + 1);
        for (column, found) in word.bytes().enumerate() {
            let change = corner + usize::from(expected != found);
            corner = row[column + 1];
            row[column + 1] = change.min(corner + 1).min(row[column] + 1);
        }
    }
    row[word.len()]
}
