//! Controls, in and out of requests, and questions that change nothing.

use nix::errno::Errno;
use program::{Control, File, Op, Question, Queue, QueueQuestion, Request};
use trace::Out;

use super::{DONE, Executor};
use crate::journal::{Outcome, Seen};
use crate::sys::v4l2::{self, ExtControl, ExtControls};
use crate::sys::{Ioctl, Plain};

impl Executor<'_> {
    pub(super) fn control_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::GetControl {
                file,
                control,
                request,
            } => self.control(&v4l2::G_EXT_CTRLS, file, (control, 0), request),
            Op::SetControl {
                file,
                control,
                value,
                request,
            } => self.control(&v4l2::S_EXT_CTRLS, file, (control, value), request),
            Op::TryControl {
                file,
                control,
                value,
                request,
            } => self.control(&v4l2::TRY_EXT_CTRLS, file, (control, value), request),
            Op::QueryControl { file, control } => self.query_control(file, control),
            Op::Ask { file, question } => self.ask(file, question),
            Op::AskQueue {
                file,
                question,
                queue,
            } => self.ask_queue(file, question, queue),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn control(
        &self,
        ioctl: &Ioctl<ExtControls>,
        file: File,
        (control, value): (Control, u32),
        request: Option<Request>,
    ) -> Outcome {
        let mut one = ExtControl::zeroed();
        (one.id, one.value) = (id(control), value as i32);
        let mut controls = ExtControls::of(&mut one, v4l2::CTRL_WHICH_CUR_VAL);
        if let Some(request) = request {
            controls.which = v4l2::CTRL_WHICH_REQUEST_VAL;
            controls.request_fd = self.shared.table().request(request).fd;
        }
        ioctl.call(self.file(file), &mut controls)?;
        let value = one.value;
        Ok(Seen::Out(Out::Value { value }))
    }

    fn query_control(&self, file: File, control: Control) -> Outcome {
        let mut query = v4l2::QueryExtControl::zeroed();
        query.id = id(control);
        v4l2::QUERY_EXT_CTRL.call(self.file(file), &mut query)?;
        Ok(Seen::Out(Out::Control {
            kind: query.kind,
            minimum: query.minimum,
            maximum: query.maximum,
            default: query.default_value,
        }))
    }

    fn ask(&self, file: File, question: Question) -> Outcome {
        let fd = self.file(file);
        match question {
            Question::Querycap => asked(&v4l2::QUERYCAP, fd, v4l2::Capability::zeroed()),
            Question::GetPriority => asked(&v4l2::G_PRIORITY, fd, 0),
            Question::EnumInput => asked(&v4l2::ENUMINPUT, fd, v4l2::Input::zeroed()),
            Question::LogStatus => asked(&v4l2::LOG_STATUS, fd, 0),
        }
    }

    fn ask_queue(&self, file: File, question: QueueQuestion, queue: Queue) -> Outcome {
        let (fd, kind) = (self.file(file), self.kind(file, queue));
        match question {
            QueueQuestion::EnumFormat => {
                let mut format = v4l2::FormatDescription::zeroed();
                format.kind = kind;
                asked(&v4l2::ENUM_FMT, fd, format)
            }
            QueueQuestion::EnumFramesizes => {
                let mut sizes = v4l2::FrameSizes::zeroed();
                sizes.pixel_format = self.format(file, queue)?.pixelformat;
                asked(&v4l2::ENUM_FRAMESIZES, fd, sizes)
            }
            QueueQuestion::EnumFrameintervals => {
                let format = self.format(file, queue)?;
                let mut intervals = v4l2::FrameIntervals::zeroed();
                intervals.pixel_format = format.pixelformat;
                (intervals.width, intervals.height) = (format.width, format.height);
                asked(&v4l2::ENUM_FRAMEINTERVALS, fd, intervals)
            }
            QueueQuestion::GetParm => {
                let mut parm = v4l2::StreamParm::zeroed();
                parm.kind = kind;
                asked(&v4l2::G_PARM, fd, parm)
            }
            QueueQuestion::GetSelection => {
                let mut selection = v4l2::Selection::zeroed();
                selection.kind = kind;
                selection.target = match queue {
                    Queue::Output => v4l2::SEL_TGT_CROP,
                    Queue::Capture => v4l2::SEL_TGT_COMPOSE,
                };
                asked(&v4l2::G_SELECTION, fd, selection)
            }
        }
    }
}

fn asked<T: Plain>(ioctl: &Ioctl<T>, fd: i32, mut argument: T) -> Outcome {
    ioctl.call(fd, &mut argument)?;
    DONE
}

/// `V4L2_CID_*`
fn id(control: Control) -> u32 {
    const BASE: u32 = v4l2::CID_BASE;
    const CODEC: u32 = v4l2::CID_CODEC_BASE;
    match control {
        Control::Contrast => BASE + 1,
        Control::Hflip => BASE + 20,
        Control::Vflip => BASE + 21,
        Control::MinCapture => BASE + 39,
        Control::MinOutput => BASE + 40,
        Control::Bframes => CODEC + 202,
        Control::Gop => CODEC + 203,
        Control::Bitrate => CODEC + 207,
        Control::HeaderMode => CODEC + 216,
        Control::KeyFrame => CODEC + 229,
        Control::Level => CODEC + 359,
        Control::Profile => CODEC + 363,
    }
}
