//! The file: its head, the library, the lines that run in threads, and `main`.

use std::fmt::Write as _;

use super::{
    calls::{self, Call},
    library::Needs,
    probe::{Probe, Stage, Symptom, quoted},
};
use crate::{
    driver::Driver,
    op::{Memory, Op, Program, Step},
};

/// Microseconds longer than any watchdog and its slack.
const QUIET: u32 = 3_000_000;
/// Microseconds in which deferred work is done.
const SETTLE: u32 = 200_000;
/// Columns of the comment at the head.
const WIDTH: usize = 76;

/// Everything that a reproducer is made from.
#[derive(Clone, Debug)]
pub struct Reproducer<'a> {
    /// The program.
    pub program: &'a Program,
    /// What `open double` opens.
    pub driver: Driver,
    /// How the double is loaded: its parameter `attach`.
    pub attach: &'a str,
    /// How the failure shows.
    pub symptom: &'a Symptom,
    /// Paragraphs for the comment at the head of the file.
    pub head: Vec<String>,
}

/// A program that cannot be told in C.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untranslated {
    /// An operation that has no translation.
    #[error("step {step} (`{text}`) has no translation into C")]
    Step {
        /// Index of the step.
        step: usize,
        /// Its text.
        text: String,
    },
    /// Input that only the lab's agent has.
    #[error("the decoder's input is a coded stream that the lab makes while it runs")]
    Stream,
}

impl Reproducer<'_> {
    /// The file.
    pub fn source(&self) -> Result<String, Untranslated> {
        if self.driver == Driver::VicodecDecoder {
            return Err(Untranslated::Stream);
        }
        let mut needs = Needs::default();
        needs.add(&["head", "did", "pause", "drop"]);
        let threads = self.threads(&mut needs)?;
        let main = self.main(&mut needs)?;
        let mut library = needs.text();
        library = library.replace("@ATTACH@", self.attach);
        let names = self.declarations();
        Ok(format!(
            "{}{library}\n{names}{threads}{main}",
            comment(&self.head)
        ))
    }

    fn names(&self) -> [Vec<String>; 5] {
        let mut all: [Vec<String>; 5] = Default::default();
        for step in &self.program.steps {
            for (all, names) in all.iter_mut().zip(calls::names(&step.op)) {
                all.extend(names);
            }
        }
        for names in &mut all {
            names.sort_by_key(|name| (name.len(), name.clone()));
            names.dedup();
        }
        all
    }

    fn declarations(&self) -> String {
        let [files, dmabufs, syncs, requests, maps] = self.names();
        let names = [files, dmabufs, syncs, requests].concat();
        let mut text = String::new();
        if !names.is_empty() {
            let list = names.iter().map(|name| format!("{name} = -1"));
            text += &format!(
                "/* Video files, dma-bufs, sync_files and requests, as the program names them. */\nstatic int {};\n\n",
                list.collect::<Vec<_>>().join(", ")
            );
        }
        if !maps.is_empty() {
            text += &format!("static struct mapping {};\n\n", maps.join(", "));
        }
        text
    }

    /// A function for each line that runs beside the program.
    fn threads(&self, needs: &mut Needs) -> Result<String, Untranslated> {
        let mut text = String::new();
        for (index, step) in self.asynchronous() {
            let lines = self.lines(index, step, needs)?;
            let _ = write!(
                text,
                "static void *line_{index}(void *unused)\n{{\n{lines}\treturn unused;\n}}\n\n"
            );
        }
        Ok(text)
    }

    fn asynchronous(&self) -> impl Iterator<Item = (usize, &Step)> {
        let steps = self.program.steps.iter().enumerate();
        steps.filter(|(_, step)| step.asynchronous)
    }

    /// The calls of a step. Its text stands before each result.
    fn lines(&self, index: usize, step: &Step, needs: &mut Needs) -> Result<String, Untranslated> {
        let calls = calls::calls(&step.op, self.driver, self.has_user_memory());
        let calls = calls.ok_or_else(|| Untranslated::Step {
            step: index,
            text: step.to_string(),
        })?;
        let text = quoted(&step.to_string());
        let Some(nth) = self.fault(index) else {
            let line = |call: Call| format!("\tdid({text}, {});\n", call.into(needs));
            return Ok(calls.into_iter().map(line).collect());
        };
        needs.add(&["fault"]);
        let fault = format!("\tfail_allocation(\"{nth}\");\n");
        let line = |call: Call| format!("\tdid({text}, without_fault({}));\n", call.into(needs));
        Ok(fault + &calls.into_iter().map(line).collect::<String>())
    }

    /// Whether some queue may get memory of user space. What is not needed nobody shall have to read.
    fn has_user_memory(&self) -> bool {
        self.program.steps.iter().any(|step| {
            matches!(
                step.op,
                Op::Reqbufs {
                    memory: Memory::Userptr,
                    ..
                } | Op::CreateBufs {
                    memory: Memory::Userptr,
                    ..
                }
            )
        })
    }

    /// Which allocation of this step is to fail: the step before says so.
    fn fault(&self, index: usize) -> Option<u32> {
        let before = self.program.steps.get(index.checked_sub(1)?)?;
        match before.op {
            Op::FailNth { nth } => Some(nth),
            _ => None,
        }
    }

    fn main(&self, needs: &mut Needs) -> Result<String, Untranslated> {
        let mut body = String::new();
        for (index, step) in self.program.steps.iter().enumerate() {
            body += &self.before(index, needs);
            if step.asynchronous {
                needs.add(&["go", "join"]);
                let text = quoted(&format!("{step}: begins"));
                let _ = writeln!(body, "\tdid({text}, go(line_{index}));");
            } else {
                body += &self.lines(index, step, needs)?;
            }
            body += &self.after(index, needs);
        }
        body += &self.end(needs);
        Ok(format!(
            "int main(void)\n{{\n{}\tsetvbuf(stdout, NULL, _IOLBF, 0);\n{}{body}}}\n",
            self.variables(),
            self.begin(needs),
        ))
    }

    fn variables(&self) -> String {
        let mut text = String::new();
        if self.symptom.watches() {
            text += "\tstruct watch watched;\n";
        }
        if self.symptom.probe == Probe::Prompt {
            text += "\tuint64_t begin;\n";
        }
        if text.is_empty() { text } else { text + "\n" }
    }

    fn begin(&self, needs: &mut Needs) -> String {
        match self.symptom.probe {
            Probe::Log => {
                needs.add(&["kernel_log"]);
                "\tlisten_to_kernel();\n".to_owned()
            }
            _ => String::new(),
        }
    }

    /// What stands before a call that must not wait.
    fn before(&self, step: usize, needs: &mut Needs) -> String {
        let due = self.symptom.probe == Probe::Prompt && self.symptom.is_due(step);
        if !due {
            return String::new();
        }
        needs.add(&["now"]);
        format!("{}\tbegin = now();\n", self.watch(needs))
    }

    /// What is looked at after a step.
    fn after(&self, step: usize, needs: &mut Needs) -> String {
        let symptom = self.symptom;
        let prompt = symptom.probe == Probe::Prompt;
        let mut text = String::new();
        if symptom.from == Some(step) && symptom.watches() && !prompt {
            text += &self.watch(needs);
        }
        if symptom.is_due(step) {
            text += &self.check(needs);
        }
        text
    }

    fn watch(&self, needs: &mut Needs) -> String {
        format!("\t{};\n", self.symptom.watch().into(needs))
    }

    fn check(&self, needs: &mut Needs) -> String {
        let check = self.symptom.check().map(|check| check.into(needs));
        check.map_or_else(String::new, |check| format!("\t{check};\n"))
    }

    /// The stages behind the last line: wait, close the video files, close the rest.
    fn end(&self, needs: &mut Needs) -> String {
        let [files, dmabufs, syncs, requests, maps] = self.names();
        let mut text = String::from("\n");
        if self.asynchronous().next().is_some() {
            text += "\tdid(\"join\", join());\n";
        }
        if self.symptom.from.is_none() && self.symptom.watches() && self.symptom.until.is_none() {
            text += &self.watch(needs);
        }
        text += &self.at(Stage::End, needs);
        let _ = writeln!(
            text,
            "\t/* Longer than any watchdog. */\n\tpause_for({QUIET});"
        );
        text += &self.at(Stage::Quiet, needs);
        text += &closing(&files);
        if !maps.is_empty() {
            needs.add(&["map"]);
        }
        for map in maps {
            let _ = writeln!(text, "\tunmap(&{map});");
        }
        text += &closing(&requests);
        text += "\tpause_for(10000);\n";
        text += &self.at(Stage::Closed, needs);
        text += &self.answers(&dmabufs, &syncs, needs);
        text += &closing(&dmabufs);
        text += &closing(&syncs);
        if self.symptom.watches() {
            text += &closing(&["watched.dmabuf".into(), "watched.sync".into()]);
        }
        text + &self.last(needs)
    }

    fn at(&self, stage: Stage, needs: &mut Needs) -> String {
        match self.symptom.stage() == Some(stage) {
            true => self.check(needs),
            false => String::new(),
        }
    }

    fn answers(&self, dmabufs: &[String], syncs: &[String], needs: &mut Needs) -> String {
        if self.symptom.probe != Probe::Answers {
            return String::new();
        }
        needs.add(&["must_answer"]);
        let what = quoted(&self.symptom.what);
        let ask =
            |name: &String, is_sync: u8| format!("\tmust_answer({name}, {is_sync}, {what});\n");
        let dmabufs = dmabufs.iter().map(|name| ask(name, 0));
        dmabufs
            .chain(syncs.iter().map(|name| ask(name, 1)))
            .collect()
    }

    fn last(&self, needs: &mut Needs) -> String {
        let wait = format!("\tpause_for({SETTLE});\n");
        if self.symptom.probe == Probe::Hidden {
            needs.add(&["cannot_tell"]);
            let why = "cannot_tell(\"user space does not see it\", -ENOSYS)";
            return format!("{wait}\t{why};\n\treturn 2;\n");
        }
        needs.add(&["verdict"]);
        match self.symptom.probe {
            Probe::Log => wait + "\tkernel_must_be_silent();\n\treturn verdict();\n",
            _ => "\treturn verdict();\n".to_owned(),
        }
    }
}

fn closing(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("\tdrop(&{name});\n"))
        .collect()
}

/// The head as a comment, which nothing in it can end.
fn comment(paragraphs: &[String]) -> String {
    let mut text = String::from("// SPDX-License-Identifier: GPL-2.0 OR MIT\n/*\n");
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            text += " *\n";
        }
        for line in paragraph.lines() {
            text += &wrapped(&line.replace("*/", "* /"));
        }
    }
    text + " */\n"
}

/// A line of the comment, broken where it is too long. What begins with a space is kept as it is.
fn wrapped(line: &str) -> String {
    if line.starts_with(' ') {
        return format!(" *{line}\n");
    }
    let mut text = String::new();
    let mut current = String::from(" *");
    for word in line.split_whitespace() {
        if current.len() + 1 + word.len() > WIDTH && current.len() > 2 {
            text += &current;
            text.push('\n');
            current = String::from(" *");
        }
        current.push(' ');
        current += word;
    }
    text + &current + "\n"
}
