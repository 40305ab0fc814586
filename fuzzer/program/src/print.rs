//! Canonical text: one operation a line, single spaces, no comments, parts at their default left out.

use std::fmt;

use crate::op::{Op, Program, Step};

impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parts borrow the fields mutably because the parser fills them in through the same list.
        let mut op = self.clone();
        let shown = op.parts().into_iter().filter(|part| !part.is_hidden());
        for (position, part) in shown.enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(out, "{space}{part}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.asynchronous { "async " } else { "" };
        write!(out, "{prefix}{}", self.op)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps
            .iter()
            .try_for_each(|step| writeln!(out, "{step}"))
    }
}

impl Program {
    /// The canonical text under a comment of its own, one line of `header` a line.
    pub fn with_header(&self, header: &str) -> String {
        let comment: String = header.lines().map(|line| format!("# {line}\n")).collect();
        format!("{comment}{self}")
    }
}
