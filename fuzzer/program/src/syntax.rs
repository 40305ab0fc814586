//! The one table of the language: each operation with its words and the places of its fields.
//!
//! `"word"` is a fixed word, `field` the place of a field, `(w x h)` a size, `[field]` a field that may be left out,
//! `[first + more]` the dma-bufs of a buffer's planes,
//! `[field = n]` one that stands for `n` when it is left out, and `["word" field = n]` one that `word` announces. An operation that the table lacks does not compile.

use crate::op::Op;
use crate::part::{Blank, Field, Part};

macro_rules! part {
    ($word:literal) => {
        Part::Word($word)
    };
    ($field:ident) => {
        $field.part()
    };
    (($width:ident x $height:ident)) => {
        Part::Size($width, $height)
    };
    ([$first:ident + $more:ident]) => {
        Part::Imports($first, $more)
    };
    ([$field:ident]) => {
        $field.part()
    };
    ([$field:ident = $default:literal]) => {
        $field.part().or($default)
    };
    ([$word:literal $field:ident = $default:literal]) => {
        $field.part().or($default).behind($word)
    };
    ([$flag:ident as $word:literal]) => {
        $flag.part().called($word)
    };
}

macro_rules! syntax {
    ($($kind:ident { $($field:ident),* } => [$($part:tt)+];)+) => {
        /// Which operation an [`Op`] is, without its fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the variants are those of `Op`, which documents them")]
        pub enum OpKind { $($kind),+ }

        impl OpKind {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// An operation of this kind whose fields are all zero or first.
            pub fn blank(self) -> Op {
                match self {
                    $(Self::$kind => Op::$kind { $($field: Blank::blank()),* }),+
                }
            }
        }

        impl Op {
            /// Which operation this is.
            pub fn kind(&self) -> OpKind {
                match self { $(Self::$kind { .. } => OpKind::$kind),+ }
            }

            /// Its parts, in the order of its text.
            pub(crate) fn parts(&mut self) -> Vec<Part<'_>> {
                match self {
                    $(Self::$kind { $($field),* } => vec![$(part!($part)),+]),+
                }
            }
        }
    };
}

syntax! {
    Open { file, node } => [file "=" "open" node];
    CloseFile { file } => ["close" file];
    CloseDmabuf { dmabuf } => ["close" dmabuf];
    CloseSync { sync } => ["close" sync];
    CloseRequest { request } => ["close" request];
    DupFile { file, from } => [file "=" "dup" from];
    DupDmabuf { dmabuf, from } => [dmabuf "=" "dup" from];
    DupSync { sync, from } => [sync "=" "dup" from];
    MmapFile { map, file, queue, index, plane } => [map "=" "mmap" file queue index [plane = 0]];
    MmapDmabuf { map, dmabuf } => [map "=" "mmap" dmabuf];
    Touch { map } => ["touch" map];
    Munmap { map } => ["munmap" map];
    SetFormat { file, queue, width, height, pixels } => ["s_fmt" file queue (width x height) [pixels]];
    TryFormat { file, queue, width, height, pixels } => ["try_fmt" file queue (width x height) [pixels]];
    Wrong { file, call, queue, mistake } => ["wrong" file call queue mistake];
    GetFormat { file, queue } => ["g_fmt" file queue];
    Reqbufs { file, queue, memory, count } => ["reqbufs" file queue memory count];
    CreateBufs { file, queue, memory, count } => ["create_bufs" file queue memory count];
    RemoveBufs { file, queue, index, count } => ["remove_bufs" file queue index count];
    Querybuf { file, queue, index } => ["querybuf" file queue index];
    PrepareBuf { file, queue, index, dmabuf, more } => ["prepare_buf" file queue index [dmabuf + more]];
    Qbuf { file, queue, index, dmabuf, more, hold, stamp, request } =>
        ["qbuf" file queue index [dmabuf + more] [hold as "hold"] ["at" stamp = 0] [request]];
    Dqbuf { file, queue, wait } => ["dqbuf" file queue [wait]];
    Expbuf { dmabuf, file, queue, index, plane } => [dmabuf "=" "expbuf" file queue index [plane = 0]];
    Allocate { dmabuf, exporter, bytes } => [dmabuf "=" exporter bytes];
    Streamon { file, queue } => ["streamon" file queue];
    Streamoff { file, queue } => ["streamoff" file queue];
    ExportSync { sync, dmabuf, access } => [sync "=" "export_sync" dmabuf access];
    ImportSync { dmabuf, sync, access } => ["import_sync" dmabuf sync access];
    CpuSync { dmabuf, edge, access } => ["sync" dmabuf edge access];
    Merge { sync, a, b } => [sync "=" "merge" a b];
    SwSync { sync } => [sync "=" "sw_sync"];
    Signal { sync } => ["signal" sync];
    FileInfo { sync } => ["file_info" sync];
    SetDeadline { sync, after } => ["set_deadline" sync after];
    PollSync { sync, timeout } => ["poll" sync [timeout = 0]];
    PollDmabuf { dmabuf, interest, timeout } => ["poll" dmabuf interest [timeout = 0]];
    PollFile { file, interest, timeout } => ["poll" file interest [timeout = 0]];
    AllocRequest { request, file } => [request "=" "request" file];
    QueueRequest { request } => ["queue" request];
    ReinitRequest { request } => ["reinit" request];
    PollRequest { request, timeout } => ["poll" request [timeout = 0]];
    Check { dmabuf } => ["check" dmabuf];
    DecoderCmd { file, cmd } => ["decoder_cmd" file cmd];
    EncoderCmd { file, cmd } => ["encoder_cmd" file cmd];
    Unsubscribe { file, event } => ["unsubscribe" file event];
    Subscribe { file, event } => ["subscribe" file event];
    Dqevent { file } => ["dqevent" file];
    GetControl { file, control, request } => ["ctrl" file "get" control [request]];
    SetControl { file, control, value, request } => ["ctrl" file "set" control value [request]];
    TryControl { file, control, value, request } => ["ctrl" file "try" control value [request]];
    QueryControl { file, control } => ["ctrl" file "query" control];
    Ask { file, question } => ["ask" file question];
    AskQueue { file, question, queue } => ["ask" file question queue];
    Advance { time } => ["advance" time];
    GateClose { file, chunk } => ["gate" file "close" [chunk = 1]];
    GateOpen { file } => ["gate" file "open"];
    JobTime { file, time } => ["job_time" file time];
    Chunks { file, count, delay } => ["chunks" file count delay];
    Completion { file, context } => ["completion" file context];
    SetKnob { file, knob, value } => ["knob" file knob value];
    Watchdog { file, time } => ["watchdog" file time];
    Fail { file, fault, job } => ["fail" file fault job];
    SourceChange { file, frame, width, height } => ["source_change" file frame (width x height)];
    FailNth { nth } => ["fail_nth" nth];
    Unload {} => ["unload" "double"];
    Load {} => ["load" "double"];
    Reload {} => ["reload" "double"];
    Join {} => ["join"];
}

impl OpKind {
    /// The word that names the operation. Several operations share one: `close`, `poll`, `gate`, `ctrl` and `ask`. Of one that has
    /// several it is the first.
    pub fn word(self) -> &'static str {
        self.words()[0]
    }

    /// The words that name the operation: one, or those of the keyword that stands in its place.
    pub(crate) fn words(self) -> Vec<&'static str> {
        let mut blank = self.blank();
        let words = blank.parts().into_iter().find_map(|part| match part {
            Part::Word(word) if word != "=" => Some(vec![word]),
            Part::Keyword(keyword) => Some(keyword.words().to_vec()),
            _ => None,
        });
        words.expect("every line of the table has a word")
    }

    /// Whether the operation makes the slot on the left of its `=`.
    pub fn makes_slot(self) -> bool {
        matches!(self.blank().parts().get(1), Some(Part::Word("=")))
    }

    /// Whether `async` may stand before the operation: it makes or closes no slot, and is no `join` or `advance`.
    pub fn may_be_async(self) -> bool {
        !self.makes_slot()
            && !matches!(
                self.word(),
                "close" | "munmap" | "join" | "advance" | "fail_nth"
            )
    }
}
