//! Controls and questions as calls of the library's functions.

use super::calls::{Call, kind};
use crate::op::{Control, File, Op, Question, Queue, QueueQuestion, Request};

/// Operations that steer or ask, and move nothing.
pub(super) fn calls(op: &Op) -> Option<Call> {
    Some(match *op {
        Op::GetControl {
            file,
            control,
            request,
        } => on_control("G", file, (control, 0), request),
        Op::SetControl {
            file,
            control,
            value,
            request,
        } => on_control("S", file, (control, value), request),
        Op::TryControl {
            file,
            control,
            value,
            request,
        } => on_control("TRY", file, (control, value), request),
        Op::QueryControl { file, control } => {
            let text = format!("query_control({file}, {})", id(control));
            Call::new(&["query_control"], text)
        }
        Op::Ask { file, question } => {
            Call::new(&["ask"], format!("ask({file}, {})", ioctl(question)))
        }
        Op::AskQueue {
            file,
            question,
            queue,
        } => about(file, question, queue),
        _ => return None,
    })
}

fn on_control(
    what: &str,
    file: File,
    (control, value): (Control, u32),
    request: Option<Request>,
) -> Call {
    let request = request.map_or("NULL".to_owned(), |request| format!("&{request}"));
    let (id, value) = (id(control), i64::from(value as i32));
    let text = format!("control(VIDIOC_{what}_EXT_CTRLS, {file}, {id}, {value}, {request})");
    Call::new(&["control"], text)
}

fn ioctl(question: Question) -> &'static str {
    match question {
        Question::Querycap => "VIDIOC_QUERYCAP",
        Question::GetPriority => "VIDIOC_G_PRIORITY",
        Question::EnumInput => "VIDIOC_ENUMINPUT",
        Question::LogStatus => "VIDIOC_LOG_STATUS",
    }
}

fn about(file: File, question: QueueQuestion, queue: Queue) -> Call {
    let name = match question {
        QueueQuestion::EnumFormat => "ask_format",
        QueueQuestion::EnumFramesizes => "ask_framesizes",
        QueueQuestion::EnumFrameintervals => "ask_frameintervals",
        QueueQuestion::GetParm => "ask_parm",
        QueueQuestion::GetSelection => "ask_selection",
    };
    Call::new(&[name], format!("{name}({file}, {})", kind(queue)))
}

fn id(control: Control) -> &'static str {
    match control {
        Control::Hflip => "V4L2_CID_HFLIP",
        Control::Vflip => "V4L2_CID_VFLIP",
        Control::Bitrate => "V4L2_CID_MPEG_VIDEO_BITRATE",
        Control::Gop => "V4L2_CID_MPEG_VIDEO_GOP_SIZE",
        Control::Bframes => "V4L2_CID_MPEG_VIDEO_B_FRAMES",
        Control::KeyFrame => "V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME",
        Control::HeaderMode => "V4L2_CID_MPEG_VIDEO_HEADER_MODE",
        Control::Profile => "V4L2_CID_MPEG_VIDEO_H264_PROFILE",
        Control::Level => "V4L2_CID_MPEG_VIDEO_H264_LEVEL",
        Control::MinCapture => "V4L2_CID_MIN_BUFFERS_FOR_CAPTURE",
        Control::MinOutput => "V4L2_CID_MIN_BUFFERS_FOR_OUTPUT",
        Control::Contrast => "V4L2_CID_CONTRAST",
    }
}
