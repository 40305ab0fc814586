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
    frames: Vec<Frame>,
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
        match (&self.stack, frame(line)) {
            (Stack::Before, _) if line.trim().eq_ignore_ascii_case("call trace:") => {
                self.stack = Stack::Inside;
            }
            (Stack::Inside, Some(frame)) if frame.is_called() => self.frames.push(frame),
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
        Some(Splat {
            title,
            frames: telling(self.frames),
        })
    }
}

/// The functions that tell one stack from another: the innermost ones of what the lab is about, or of any if there are none.
fn telling(frames: Vec<Frame>) -> Vec<String> {
    // User-Mode Linux marks every frame as uncertain; elsewhere the uncertain ones are chance.
    let sure = frames.iter().any(|frame| frame.sure);
    let mut frames: Vec<_> = frames
        .into_iter()
        .filter(|frame| frame.sure == sure && !is_machinery(&frame.name))
        .collect();
    if frames.iter().any(Frame::is_subject) {
        frames.retain(Frame::is_subject);
    }
    let mut names: Vec<_> = frames.iter().map(|frame| readable(&frame.name)).collect();
    names.dedup();
    names.truncate(FRAMES);
    names
}

/// Lines like `=====` and blank ones.
fn is_ornament(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b'=' | b'-' | b' '))
}

/// The title, if a splat begins with this line.
pub fn title(line: &str) -> Option<String> {
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
    match function(rest) {
        Some(function) => format!("WARNING in {function}"),
        None => format!("WARNING: {}", without_numbers(rest)),
    }
}

/// Cuts the line behind the function's name if it names one, else leaves it.
fn until_function(line: &str) -> &str {
    line.find("+0x").map_or(line, |offset| &line[..offset])
}

/// The function in `func.isra.0+0x1c/0x80 [module]`, without what the compiler added.
fn function(line: &str) -> Option<&str> {
    let before = until_function(line);
    let start = before.rfind([' ', '(', '<', '>']).map_or(0, |at| at + 1);
    let name = before[start..].split('.').next()?;
    (before.len() < line.len() && !name.is_empty()).then_some(name)
}

/// A frame of a stack: `[<*>] ? func+0x1c/0x80 [module]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function's symbol, without what the compiler added.
    pub name: String,
    /// How far into it.
    pub offset: u64,
    /// How long it is.
    pub size: u64,
    /// The module that it is in.
    pub module: Option<String>,
    /// The unwinder is sure of it.
    pub sure: bool,
}

impl Frame {
    /// It is a return address: no call ever returns to the start of a function.
    fn is_called(&self) -> bool {
        self.offset > 0
    }

    /// Whether it is in what the lab is about: a driver or videobuf2, which are modules, or the core of V4L2 or dma-buf.
    fn is_subject(&self) -> bool {
        const CORE: [&str; 9] = [
            "dma_buf_",
            "dma_fence_",
            "dma_resv_",
            "sync_file_",
            "v4l2_",
            "v4l_",
            "vb2_",
            "video_",
            "__video_",
        ];
        let name = self.name.trim_start_matches("__");
        self.module.is_some() || CORE.iter().any(|start| name.starts_with(start))
    }
}

/// The frame that a line tells of.
pub fn frame(line: &str) -> Option<Frame> {
    let line = line.trim_start();
    let line = match line
        .strip_prefix("[<")
        .and_then(|rest| rest.split_once(">] "))
    {
        Some((_, rest)) => rest,
        None => line,
    };
    let unsure = line.strip_prefix("? ");
    let (name, rest) = unsure.unwrap_or(line).split_once("+0x")?;
    let name = name.split('.').next().filter(|name| !name.contains(' '))?;
    let mut words = rest.split_whitespace();
    let (offset, size) = words.next()?.split_once("/0x")?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let module = words.next().and_then(|word| word.strip_prefix('['));
    Some(Frame {
        name: name.to_owned(),
        offset: number(offset)?,
        size: number(size)?,
        module: module.map(|word| word.trim_end_matches(']').to_owned()),
        sure: unsure.is_none(),
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
pub fn is_machinery(name: &str) -> bool {
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
