//! The call traces of a log, with a line of source for each frame.

use std::collections::HashMap;

use trace::{
    Event, Trace,
    klog::{self, Frame},
};

use super::{Binary, Symbols};

/// Most frames of one call trace: what is further out is the same for every call.
const FRAMES: usize = 16;
/// Most call traces of a report.
const STACKS: usize = 3;

/// Reads each file that it needs once.
pub(super) struct Stacks<'a> {
    symbols: &'a Symbols,
    binaries: HashMap<Option<String>, Option<Binary>>,
}

impl<'a> Stacks<'a> {
    pub(super) fn new(symbols: &'a Symbols) -> Self {
        Stacks {
            symbols,
            binaries: HashMap::new(),
        }
    }

    /// What is to be said of all call traces.
    pub(super) fn text(mut self, trace: &Trace) -> Option<String> {
        let mut stacks: Vec<(String, Vec<String>)> = Vec::new();
        let mut title = String::new();
        let mut inside = false;
        for event in &trace.events {
            let Event::Log { text, .. } = event else {
                inside = false;
                continue;
            };
            if let Some(told) = klog::title(text) {
                title = told;
            }
            match klog::frame(text) {
                Some(frame) if inside => {
                    if let Some((_, frames)) = stacks.last_mut() {
                        frames.extend(self.line(&frame));
                    }
                }
                _ if text.trim().eq_ignore_ascii_case("call trace:") => {
                    inside = true;
                    stacks.push((std::mem::take(&mut title), Vec::new()));
                }
                _ => inside = false,
            }
        }
        let told = stacks.into_iter().filter(|(_, frames)| !frames.is_empty());
        let told: Vec<_> = told.take(STACKS).map(block).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }

    fn line(&mut self, frame: &Frame) -> Option<String> {
        if frame.offset == 0 || klog::is_machinery(&frame.name) {
            return None;
        }
        let place = self.place(frame);
        let name = klog::readable(&frame.name);
        Some(match place {
            Some(place) => format!("    {name}\n        {place}"),
            None => format!("    {name}"),
        })
    }

    /// The line of the call: the address on the stack is behind it.
    fn place(&mut self, frame: &Frame) -> Option<String> {
        let symbols = self.symbols;
        let module = frame.module.clone();
        let binary = self
            .binaries
            .entry(module)
            .or_insert_with_key(|module| symbols.read(module.as_deref()).ok());
        let binary = binary.as_ref()?;
        let address = binary.address(&frame.name, frame.offset, frame.size)?;
        let places = binary.places(address - 1);
        let lines: Vec<_> = places
            .iter()
            .map(|place| format!("{}:{}", place.file, place.line))
            .collect();
        (!lines.is_empty()).then(|| lines.join(" < "))
    }
}

fn block((title, mut frames): (String, Vec<String>)) -> String {
    frames.dedup();
    frames.truncate(FRAMES);
    format!("    {title}\n{}\n", frames.join("\n"))
}
