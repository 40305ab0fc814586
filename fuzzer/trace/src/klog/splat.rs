//! Finds the splats in a run of log lines and gives each a title and the functions to tell it from others by.

use super::rust_name::readable;

/// How many functions of the stack tell two splats of one title apart.
const FRAMES: usize = 3;

/// A report of the kernel about itself: many lines, one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splat {
    /// One line without numbers: `KASAN: slab-use-after-free in vb2_buffer_done`.
    pub title: String,
    /// The first functions of its stack that are not the reporting machinery.
    pub frames: Vec<String>,
}

/// A run of log lines, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The splats, in order.
    pub splats: Vec<Splat>,
    /// Positions of the lines that belong to no splat.
    pub loose: Vec<usize>,
}

/// Takes apart lines that [`normalise`](super::normalise) made and that the kernel wrote one after the other.
pub fn digest<S: AsRef<str>>(lines: &[S]) -> Digest {
    let mut digest = Digest::default();
    let mut draft = None;
    for (at, line) in lines.iter().enumerate() {
        let line = line.as_ref();
        if is_ornament(line) && draft.is_none() {
            continue;
        }
        if line.contains("[ cut here ]") {
            digest.close(draft.replace(Draft::default()));
        } else if let Some(title) = title(line) {
            digest.open(&mut draft, title);
        } else if line.contains("---[ end trace") || line.contains("end Kernel panic") {
            digest.close(draft.take());
        } else if let Some(draft) = &mut draft {
            draft.body(line);
        } else {
            digest.loose.push(at);
        }
    }
    digest.close(draft);
    digest
}

impl Digest {
    /// A title line: it names the splat that a `cut here` began, adds the panic to the one before, or begins another.
    fn open(&mut self, draft: &mut Option<Draft>, title: String) {
        match draft {
            Some(open) if open.title.is_none() => open.title = Some(title),
            Some(_) if title.starts_with("Kernel panic") => {}
            _ => self.close(draft.replace(Draft {
                title: Some(title),
                ..Draft::default()
            })),
        }
    }

    fn close(&mut self, draft: Option<Draft>) {
        self.splats.extend(draft.and_then(Draft::finish));
    }
}

/// A splat whose lines are still coming.
#[derive(Default)]
struct Draft {
    title: Option<String>,
    /// The text that a WARN printed before its title line.
    message: Option<String>,
    /// Functions of the first stack, and whether the unwinder was sure of them.
    frames: Vec<(String, bool)>,
    stack: Stack,
}

/// Where in a splat its first stack is: later ones tell of allocations and of other tasks.
#[derive(Default, PartialEq, Eq)]
enum Stack {
    #[default]
    Before,
    Inside,
    Behind,
}

impl Draft {
    fn body(&mut self, line: &str) {
        if self.title.is_none() && self.message.is_none() {
            self.message = Some(without_numbers(line));
        }
        match (&self.stack, stack_line(line)) {
            (Stack::Before, _) if line.trim().eq_ignore_ascii_case("call trace:") => {
                self.stack = Stack::Inside;
            }
            (
                Stack::Inside,
                Some(StackLine {
                    name,
                    sure,
                    called: true,
                }),
            ) => {
                self.frames.push((readable(name), sure));
            }
            // x86 puts <TASK> and <IRQ> between the frames.
            (Stack::Inside, None) if !line.trim().starts_with('<') => self.stack = Stack::Behind,
            _ => {}
        }
    }

    fn finish(self) -> Option<Splat> {
        let title = match (self.title, self.message) {
            (Some(title), Some(message)) => format!("{title}: {message}"),
            (title, message) => title.or(message)?,
        };
        // User-Mode Linux marks every frame as uncertain; elsewhere the uncertain ones are chance.
        let sure = self.frames.iter().any(|(_, sure)| *sure);
        let frames = self
            .frames
            .into_iter()
            .filter(|(_, s)| *s == sure)
            .map(|(name, _)| name);
        let mut frames: Vec<_> = frames.filter(|name| !is_machinery(name)).collect();
        frames.dedup();
        frames.truncate(FRAMES);
        Some(Splat { title, frames })
    }
}

/// Lines like `=====` and blank ones.
fn is_ornament(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b'=' | b'-' | b' '))
}

/// The title, if a splat begins with this line.
fn title(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("BUG: KASAN: ") {
        return Some(format!("KASAN: {}", until_function(rest)));
    }
    if let Some(rest) = line.strip_prefix("WARNING: ") {
        return Some(warning(rest));
    }
    let starts = [
        "BUG: ",
        "kernel BUG at ",
        "Kernel panic",
        "Oops",
        "INFO: task ",
        "INFO: rcu",
        "INFO: trying to register",
        "general protection fault",
        "watchdog: BUG",
        "Unable to handle kernel",
        "UBSAN: ",
        "KCSAN: ",
    ];
    let known = starts.iter().any(|start| line.starts_with(start)) || line.contains("driver bug: ");
    known.then(|| without_numbers(until_function(line)))
}

/// `WARNING: CPU: 0 PID: 1 at FILE:LINE func+0x1/0x2` and `WARNING: FILE:LINE at func+0x1/0x2, CPU#0: …` name the function;
/// lockdep's `WARNING: possible circular locking dependency detected` is a title as it stands.
fn warning(rest: &str) -> String {
    match frame(rest) {
        Some(function) => format!("WARNING in {function}"),
        None => format!("WARNING: {}", without_numbers(rest)),
    }
}

/// Cuts the line behind the function's name if it names one, else leaves it.
fn until_function(line: &str) -> &str {
    line.find("+0x").map_or(line, |offset| &line[..offset])
}

/// The function in `func.isra.0+0x1c/0x80 [module]`, without what the compiler added.
fn frame(line: &str) -> Option<&str> {
    let before = until_function(line);
    let start = before.rfind([' ', '(', '<', '>']).map_or(0, |at| at + 1);
    let name = before[start..].split('.').next()?;
    (before.len() < line.len() && !name.is_empty()).then_some(name)
}

/// A line of a stack: `[<*>] ? func+0x1c/0x80 [module]`.
struct StackLine<'a> {
    name: &'a str,
    /// The unwinder is sure of it.
    sure: bool,
    /// It is a return address: no call ever returns to the start of a function.
    called: bool,
}

fn stack_line(line: &str) -> Option<StackLine<'_>> {
    let line = line.trim_start();
    let line = match line
        .strip_prefix("[<")
        .and_then(|rest| rest.split_once(">] "))
    {
        Some((_, rest)) => rest,
        None => line,
    };
    let unsure = line.strip_prefix("? ");
    let (name, offset) = unsure.unwrap_or(line).split_once("+0x")?;
    let name = name.split('.').next().filter(|name| !name.contains(' '))?;
    Some(StackLine {
        name,
        sure: unsure.is_none(),
        called: !offset.starts_with("0/"),
    })
}

/// Numbers that stand alone become `*`: buffer indices, line numbers and counts do not make another bug.
fn without_numbers(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(line.len());
    let mut rest = line.trim();
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..]
            .find(|c| !is_part(c))
            .map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(&rest[..start]);
        out.push_str(if number { "*" } else { word });
        rest = &rest[end..];
    }
    out + rest
}

/// Functions that report rather than err.
fn is_machinery(name: &str) -> bool {
    let exact = [
        "__warn",
        "report_bug",
        "panic",
        "vpanic",
        "die",
        "exc_invalid_op",
        "handle_bug",
        "print_report",
        "__might_resched",
        "__might_sleep",
        "mark_lock",
        "debug_show_all_locks",
        "segv",
        "segv_handler",
        "sig_handler_common",
        "um_set_signals",
        "__sanitizer_cov_trace_pc",
    ];
    let starts = [
        "dump_stack",
        "show_stack",
        "__show_stack",
        "_printk",
        "kasan_",
        "__kasan_",
        "__asan_",
        "print_",
        "check_noncircular",
        "check_prev",
        "validate_chain",
        "lock_acquire",
        "__lock_acquire",
        "lockdep_",
        "warn_slowpath",
        "show_regs",
        "stack_trace_",
    ];
    exact.contains(&name) || starts.iter().any(|start| name.starts_with(start))
}
