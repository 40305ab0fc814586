//! What an operation works on, and short ways to make the frequent ones.

use crate::op::{Dmabuf, File, Micros, MorePlanes, Node, Op, Pixels, Queue};

impl Op {
    /// The video file that it works on.
    pub fn file(&self) -> Option<File> {
        Some(match *self {
            Self::Open { file, .. }
            | Self::DupFile { from: file, .. }
            | Self::MmapFile { file, .. }
            | Self::CloseFile { file }
            | Self::SetFormat { file, .. }
            | Self::GetFormat { file, .. }
            | Self::TryFormat { file, .. }
            | Self::Wrong { file, .. }
            | Self::EncoderCmd { file, .. }
            | Self::Unsubscribe { file, .. }
            | Self::Reqbufs { file, .. }
            | Self::CreateBufs { file, .. }
            | Self::RemoveBufs { file, .. }
            | Self::Querybuf { file, .. }
            | Self::PrepareBuf { file, .. }
            | Self::Qbuf { file, .. }
            | Self::Dqbuf { file, .. }
            | Self::Expbuf { file, .. }
            | Self::Streamon { file, .. }
            | Self::Streamoff { file, .. }
            | Self::PollFile { file, .. }
            | Self::AllocRequest { file, .. }
            | Self::DecoderCmd { file, .. }
            | Self::Subscribe { file, .. }
            | Self::Dqevent { file }
            | Self::GetControl { file, .. }
            | Self::SetControl { file, .. }
            | Self::TryControl { file, .. }
            | Self::QueryControl { file, .. }
            | Self::Ask { file, .. }
            | Self::AskQueue { file, .. }
            | Self::GateClose { file, .. }
            | Self::GateOpen { file }
            | Self::JobTime { file, .. }
            | Self::Chunks { file, .. }
            | Self::Completion { file, .. }
            | Self::SetKnob { file, .. }
            | Self::Watchdog { file, .. }
            | Self::Fail { file, .. }
            | Self::SourceChange { file, .. } => file,
            _ => return None,
        })
    }

    /// The queue of that file that it names.
    pub fn queue(&self) -> Option<Queue> {
        Some(match *self {
            Self::SetFormat { queue, .. }
            | Self::GetFormat { queue, .. }
            | Self::TryFormat { queue, .. }
            | Self::Reqbufs { queue, .. }
            | Self::CreateBufs { queue, .. }
            | Self::RemoveBufs { queue, .. }
            | Self::Querybuf { queue, .. }
            | Self::PrepareBuf { queue, .. }
            | Self::Qbuf { queue, .. }
            | Self::Dqbuf { queue, .. }
            | Self::Expbuf { queue, .. }
            | Self::MmapFile { queue, .. }
            | Self::AskQueue { queue, .. }
            | Self::Streamon { queue, .. }
            | Self::Streamoff { queue, .. } => queue,
            _ => return None,
        })
    }

    /// `open double`
    pub fn open(file: File) -> Self {
        Self::Open {
            file,
            node: Node::Double,
        }
    }

    /// S_FMT of a size alone.
    pub fn size(file: File, queue: Queue, (width, height): (u32, u32)) -> Self {
        Self::SetFormat {
            file,
            queue,
            width,
            height,
            pixels: Pixels::First,
        }
    }

    /// EXPBUF of the first plane.
    pub fn expbuf(dmabuf: Dmabuf, file: File, queue: Queue, index: u32) -> Self {
        Self::Expbuf {
            dmabuf,
            file,
            queue,
            index,
            plane: 0,
        }
    }

    /// PREPARE_BUF, perhaps of one dma-buf.
    pub fn prepare_buf(file: File, queue: Queue, index: u32, dmabuf: Option<Dmabuf>) -> Self {
        Self::PrepareBuf {
            file,
            queue,
            index,
            dmabuf,
            more: MorePlanes::default(),
        }
    }

    /// QBUF of a whole frame, outside any request.
    pub fn qbuf(file: File, queue: Queue, index: u32, dmabuf: Option<Dmabuf>) -> Self {
        Self::Qbuf {
            file,
            queue,
            index,
            dmabuf,
            more: MorePlanes::default(),
            hold: false,
            stamp: Micros(0),
            request: None,
        }
    }
}
