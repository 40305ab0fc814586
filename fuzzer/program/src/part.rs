//! The parts that an operation's text is made of. Parser, printer, mutators and minimiser all work on parts, so that none
//! of them has a table of operations of its own.

use std::fmt;

use crate::keyword::Keyword;
use crate::op::{
    Access, Completion, Control, DecoderCmd, Dmabuf, EventKind, Exporter, Fault, File, Interest,
    Knob, MAX_DMABUFS, MAX_FILES, MAX_MAPS, MAX_REQUESTS, MAX_SYNCS, Map, Memory, Micros, Mistake,
    MorePlanes, Node, Pixels, Question, Queue, QueueQuestion, Request, Sync, SyncEdge, VideoCall,
    Wait,
};

/// One part of an operation: a fixed word, or a place where a field stands.
pub(crate) enum Part<'a> {
    Word(&'static str),
    File(&'a mut File),
    Dmabuf(&'a mut Dmabuf),
    Sync(&'a mut Sync),
    Request(&'a mut Request),
    Map(&'a mut Map),
    Keyword(&'a mut dyn Keyword),
    /// A word that is left out if it is the first of its kind.
    Choice(&'a mut dyn Keyword),
    /// A number; one that equals the default is left out.
    Number(&'a mut u32, Option<u32>),
    /// `64x48`: width and height.
    Size(&'a mut u32, &'a mut u32),
    /// A duration; one that equals the default is left out.
    Time(&'a mut Micros, Option<Micros>),
    /// A dma-buf that may be left out.
    Import(&'a mut Option<Dmabuf>),
    /// The dma-bufs of further planes, behind that of the first.
    Imports(&'a mut Option<Dmabuf>, &'a mut MorePlanes),
    /// `in r0`: a request that may be left out.
    InRequest(&'a mut Option<Request>),
    /// A word that may be left out.
    Flag(&'static str, &'a mut bool),
    /// A part that this word announces.
    Behind(&'static str, Box<Self>),
}

impl Part<'_> {
    /// Makes a number or duration optional.
    pub(crate) fn or(self, value: u32) -> Self {
        match self {
            Self::Number(number, _) => Self::Number(number, Some(value)),
            Self::Time(time, _) => Self::Time(time, Some(Micros(value))),
            other => other,
        }
    }

    /// Whether it may take one more word.
    pub(crate) fn wants_more(&self) -> bool {
        match self {
            Self::Imports(dmabuf, more) => dmabuf.is_some() && more.third.is_none(),
            _ => false,
        }
    }

    /// Gives a flag its word.
    pub(crate) fn called(self, word: &'static str) -> Self {
        match self {
            Self::Flag(_, flag) => Self::Flag(word, flag),
            other => other,
        }
    }

    /// Puts a word in front.
    pub(crate) fn behind(self, word: &'static str) -> Self {
        Self::Behind(word, Box::new(self))
    }

    /// The word that stands in front of the part itself.
    pub(crate) fn announced_by(&self) -> Option<&'static str> {
        match self {
            Self::InRequest(_) => Some("in"),
            Self::Behind(word, _) => Some(word),
            _ => None,
        }
    }

    /// The part without the word in front.
    pub(crate) fn bare(self) -> Self {
        match self {
            Self::Behind(_, part) => *part,
            other => other,
        }
    }

    /// Whether the text may go without this part.
    pub(crate) fn is_optional(&self) -> bool {
        match self {
            Self::Number(_, default) => default.is_some(),
            Self::Time(_, default) => default.is_some(),
            Self::Import(_) | Self::Imports(..) | Self::InRequest(_) | Self::Flag(..) => true,
            Self::Choice(_) => true,
            Self::Behind(_, part) => part.is_optional(),
            _ => false,
        }
    }

    /// Takes the value that a missing part stands for.
    pub(crate) fn set_default(&mut self) {
        match self {
            Self::Number(number, Some(default)) => **number = *default,
            Self::Time(time, Some(default)) => **time = *default,
            Self::Import(dmabuf) => **dmabuf = None,
            Self::Imports(dmabuf, more) => {
                (**dmabuf, **more) = (None, MorePlanes::default());
            }
            Self::Choice(keyword) => keyword.set(0),
            Self::InRequest(request) => **request = None,
            Self::Flag(_, flag) => **flag = false,
            Self::Behind(_, part) => part.set_default(),
            _ => {}
        }
    }

    /// Whether the canonical text leaves this part out.
    pub(crate) fn is_hidden(&self) -> bool {
        match self {
            Self::Number(number, default) => Some(**number) == *default,
            Self::Time(time, default) => Some(**time) == *default,
            Self::Import(dmabuf) | Self::Imports(dmabuf, _) => dmabuf.is_none(),
            Self::Choice(keyword) => keyword.text() == keyword.words()[0],
            Self::InRequest(request) => request.is_none(),
            Self::Flag(_, flag) => !**flag,
            Self::Behind(_, part) => part.is_hidden(),
            _ => false,
        }
    }

    /// Takes the value of `word`; says whether `word` fits.
    pub(crate) fn read(&mut self, word: &str) -> bool {
        match self {
            Self::Word(expected) => word == *expected,
            Self::File(file) => store(*file, read_file(word)),
            Self::Dmabuf(dmabuf) => store(*dmabuf, read_dmabuf(word)),
            Self::Sync(sync) => store(*sync, read_slot(word, 's', MAX_SYNCS).map(Sync)),
            Self::Request(request) => store(*request, read_request(word)),
            Self::Map(map) => store(*map, read_slot(word, 'm', MAX_MAPS).map(Map)),
            Self::InRequest(request) => store(*request, read_request(word).map(Some)),
            Self::Behind(_, part) => part.read(word),
            Self::Keyword(keyword) | Self::Choice(keyword) => read_keyword(*keyword, word),
            Self::Number(number, _) => store(*number, read_number(word)),
            Self::Size(width, height) => read_size(width, height, word),
            Self::Time(time, _) => store(*time, read_micros(word)),
            Self::Import(dmabuf) => store(*dmabuf, read_dmabuf(word).map(Some)),
            Self::Imports(dmabuf, more) => {
                let next = [&mut **dmabuf, &mut more.second, &mut more.third];
                let free = next.into_iter().find(|place| place.is_none());
                free.is_some_and(|place| store(place, read_dmabuf(word).map(Some)))
            }
            Self::Flag(expected, flag) => store(*flag, (word == *expected).then_some(true)),
        }
    }

    /// What fits here, for error messages.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Word(word) | Self::Flag(word, _) => format!("`{word}`"),
            Self::File(_) => "a video file (`a` to `h`)".into(),
            Self::Dmabuf(_) | Self::Import(_) | Self::Imports(..) => {
                "a dma-buf (`d0` to `d31`)".into()
            }
            Self::Sync(_) => "a sync_file (`s0` to `s31`)".into(),
            Self::Request(_) | Self::InRequest(_) => "a request (`r0` to `r15`)".into(),
            Self::Map(_) => "a mapping (`m0` to `m15`)".into(),
            Self::Behind(_, part) => part.expected(),
            Self::Keyword(keyword) | Self::Choice(keyword) => alternatives(keyword.words()),
            Self::Number(..) => format!("a number from 0 to {}", u32::MAX),
            Self::Size(..) => "a size such as `64x48`".into(),
            Self::Time(..) => {
                format!(
                    "a duration such as `250us`, `5ms` or `2s`, at most {}us",
                    u32::MAX
                )
            }
        }
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) | Self::Flag(word, _) => out.write_str(word),
            Self::File(file) => file.fmt(out),
            Self::Dmabuf(dmabuf) => dmabuf.fmt(out),
            Self::Sync(sync) => sync.fmt(out),
            Self::Request(request) => request.fmt(out),
            Self::Map(map) => map.fmt(out),
            Self::InRequest(request) => {
                request.map_or(Ok(()), |request| write!(out, "in {request}"))
            }
            Self::Behind(word, part) => write!(out, "{word} {part}"),
            Self::Keyword(keyword) | Self::Choice(keyword) => out.write_str(keyword.text()),
            Self::Number(number, _) => number.fmt(out),
            Self::Size(width, height) => write!(out, "{width}x{height}"),
            Self::Time(time, _) => time.fmt(out),
            Self::Import(dmabuf) => dmabuf.map_or(Ok(()), |dmabuf| dmabuf.fmt(out)),
            Self::Imports(dmabuf, more) => {
                let mut planes = dmabuf.iter().copied().chain(more.iter());
                planes.next().map_or(Ok(()), |first| first.fmt(out))?;
                planes.try_for_each(|plane| write!(out, " {plane}"))
            }
        }
    }
}

/// What a field of an operation is when it is blank.
pub(crate) trait Blank {
    fn blank() -> Self;
}

/// A field of an operation that makes a part of its own.
pub(crate) trait Field: Blank {
    fn part(&mut self) -> Part<'_>;
}

macro_rules! fields {
    ($($name:ty: $blank:expr, $value:ident => $part:expr;)+) => {$(
        impl Blank for $name {
            fn blank() -> Self {
                $blank
            }
        }

        impl Field for $name {
            fn part(&mut self) -> Part<'_> {
                let $value = self;
                $part
            }
        }
    )+};
}

fields! {
    File: File(0), file => Part::File(file);
    Dmabuf: Dmabuf(0), dmabuf => Part::Dmabuf(dmabuf);
    Sync: Sync(0), sync => Part::Sync(sync);
    Request: Request(0), request => Part::Request(request);
    Map: Map(0), map => Part::Map(map);
    Option<Request>: None, request => Part::InRequest(request);
    Node: Node::Double, keyword => Part::Keyword(keyword);
    u32: 0, number => Part::Number(number, None);
    Micros: Micros(0), time => Part::Time(time, None);
    Option<Dmabuf>: None, dmabuf => Part::Import(dmabuf);
    Pixels: Pixels::First, keyword => Part::Choice(keyword);
    bool: false, flag => Part::Flag("", flag);
    Wait: Wait::Not, keyword => Part::Choice(keyword);
    VideoCall: VideoCall::GetFormat, keyword => Part::Keyword(keyword);
    Mistake: Mistake::Type, keyword => Part::Keyword(keyword);
    Queue: Queue::Output, keyword => Part::Keyword(keyword);
    Memory: Memory::Mmap, keyword => Part::Keyword(keyword);
    Exporter: Exporter::Udmabuf, keyword => Part::Keyword(keyword);
    Access: Access::Read, keyword => Part::Keyword(keyword);
    SyncEdge: SyncEdge::Start, keyword => Part::Keyword(keyword);
    Interest: Interest::In, keyword => Part::Keyword(keyword);
    Completion: Completion::Timer, keyword => Part::Keyword(keyword);
    Knob: Knob::Frames, keyword => Part::Keyword(keyword);
    Fault: Fault::Error, keyword => Part::Keyword(keyword);
    DecoderCmd: DecoderCmd::Start, keyword => Part::Keyword(keyword);
    Control: Control::Hflip, keyword => Part::Keyword(keyword);
    Question: Question::Querycap, keyword => Part::Keyword(keyword);
    QueueQuestion: QueueQuestion::EnumFormat, keyword => Part::Keyword(keyword);
    EventKind: EventKind::SourceChange, keyword => Part::Keyword(keyword);
}

/// It makes one part with the first plane's dma-buf.
impl Blank for MorePlanes {
    fn blank() -> Self {
        Self::default()
    }
}

/// Stores a value if there is one; says whether there was.
fn store<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(" or ")
}

/// A number in its only spelling: decimal digits, no sign, no leading zero.
fn read_number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let plain = word == "0" || !word.starts_with('0');
    if digits && plain {
        word.parse().ok()
    } else {
        None
    }
}

fn read_slot(word: &str, letter: char, slots: u8) -> Option<u8> {
    let number = read_number(word.strip_prefix(letter)?)?;
    u8::try_from(number).ok().filter(|slot| *slot < slots)
}

fn read_file(word: &str) -> Option<File> {
    let &[letter] = word.as_bytes() else {
        return None;
    };
    let slot = letter.checked_sub(b'a')?;
    (slot < MAX_FILES).then_some(File(slot))
}

fn read_dmabuf(word: &str) -> Option<Dmabuf> {
    read_slot(word, 'd', MAX_DMABUFS).map(Dmabuf)
}

fn read_request(word: &str) -> Option<Request> {
    read_slot(word, 'r', MAX_REQUESTS).map(Request)
}

fn read_keyword(keyword: &mut dyn Keyword, word: &str) -> bool {
    let index = keyword
        .words()
        .iter()
        .position(|candidate| *candidate == word);
    index.map(|index| keyword.set(index)).is_some()
}

fn read_size(width: &mut u32, height: &mut u32, word: &str) -> bool {
    let Some((left, right)) = word.split_once('x') else {
        return false;
    };
    let (Some(left), Some(right)) = (read_number(left), read_number(right)) else {
        return false;
    };
    (*width, *height) = (left, right);
    true
}

/// Units of durations, largest first, as the printer tries them.
const UNITS: [(&str, u32); 3] = [("s", 1_000_000), ("ms", 1_000), ("us", 1)];

fn read_micros(word: &str) -> Option<Micros> {
    let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let suffix = &word[digits.len()..];
    let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == suffix)?;
    read_number(digits)?.checked_mul(unit).map(Micros)
}

impl fmt::Display for Micros {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, unit): &(&str, u32)| self.0 != 0 && self.0.is_multiple_of(*unit);
        let (name, unit) = UNITS.into_iter().find(fits).unwrap_or(("us", 1));
        write!(out, "{}{name}", self.0 / unit)
    }
}

impl fmt::Display for File {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            slot if slot < MAX_FILES => write!(out, "{}", char::from(b'a' + slot)),
            // No text form: a program that holds this does not pass `Program::check`.
            slot => write!(out, "?{slot}"),
        }
    }
}

impl fmt::Display for Dmabuf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "d{}", self.0)
    }
}

impl fmt::Display for Sync {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s{}", self.0)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "r{}", self.0)
    }
}

impl fmt::Display for Map {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "m{}", self.0)
    }
}
