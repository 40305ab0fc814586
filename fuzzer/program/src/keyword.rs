//! Fieldless enums of the language and their words, from one table.

use crate::op::{
    Access, Completion, Control, DecoderCmd, EventKind, Exporter, Fault, Interest, Knob, Memory,
    Mistake, Node, Pixels, Question, Queue, QueueQuestion, SyncEdge, VideoCall, Wait,
};

/// An enum whose values are single words of the language.
pub(crate) trait Keyword {
    /// The words of all values, in the order of the table.
    fn words(&self) -> &'static [&'static str];
    /// The word of this value.
    fn text(&self) -> &'static str;
    /// Becomes the value whose word stands at `index` of [`Keyword::words`].
    fn set(&mut self, index: usize);
}

macro_rules! keywords {
    ($($name:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word in the text form.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Keyword for $name {
            fn words(&self) -> &'static [&'static str] {
                &[$($word),+]
            }

            fn text(&self) -> &'static str {
                self.word()
            }

            fn set(&mut self, index: usize) {
                *self = Self::ALL[index];
            }
        }
    )+};
}

keywords! {
    Node {
        Double = "double", Encoder = "encoder", M2m = "m2m",
        DecoderMplane = "decoder-mplane", EncoderMplane = "encoder-mplane", M2mMplane = "m2m-mplane"
    }
    Queue { Output = "out", Capture = "cap" }
    Pixels { First = "first", Grey = "GREY", Nv12 = "NV12", Nm12 = "NM12", Ym12 = "YM12" }
    Memory { Mmap = "mmap", Dmabuf = "dmabuf", Userptr = "userptr" }
    Exporter { Udmabuf = "udmabuf", Heap = "heap" }
    Access { Read = "r", Write = "w", ReadWrite = "rw" }
    SyncEdge { Start = "start", End = "end" }
    Interest { In = "in", Out = "out", Pri = "pri" }
    Completion { Timer = "timer", Work = "work", Inline = "inline", Lock = "lock", Pipelined = "pipelined" }
    Knob {
        Frames = "frames", NotReady = "not_ready", MinQueued = "min_queued", Suspend = "suspend",
        FailLate = "fail_late", Abort = "abort"
    }
    Fault { Error = "error", Lost = "lost" }
    DecoderCmd { Start = "start", Stop = "stop", Pause = "pause", Resume = "resume", Flush = "flush" }
    Wait { Not = "not", Poll = "wait", Block = "block" }
    VideoCall {
        GetFormat = "g_fmt", SetFormat = "s_fmt", TryFormat = "try_fmt", Reqbufs = "reqbufs", CreateBufs = "create_bufs",
        RemoveBufs = "remove_bufs", Querybuf = "querybuf", PrepareBuf = "prepare_buf", Qbuf = "qbuf", Dqbuf = "dqbuf",
        Expbuf = "expbuf", Streamon = "streamon", Streamoff = "streamoff"
    }
    Mistake { Type = "type", Class = "class", Memory = "memory", Index = "index", Planes = "planes" }
    Control {
        Hflip = "hflip", Vflip = "vflip", Bitrate = "bitrate", Gop = "gop", Bframes = "b_frames", KeyFrame = "key_frame",
        HeaderMode = "header_mode", Profile = "profile", Level = "level", MinCapture = "min_capture",
        MinOutput = "min_output", Contrast = "contrast"
    }
    Question { Querycap = "querycap", GetPriority = "g_priority", EnumInput = "enuminput", LogStatus = "log_status" }
    QueueQuestion {
        EnumFormat = "enum_fmt", EnumFramesizes = "enum_framesizes", EnumFrameintervals = "enum_frameintervals",
        GetParm = "g_parm", GetSelection = "g_selection"
    }
    EventKind { SourceChange = "source_change", Eos = "eos" }
}
