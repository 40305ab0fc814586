//! Answers to operations on controls, in and out of requests, and to questions that change nothing.
//!
//! C sources: `v4l2-ctrls-request.c`, `v4l2-dev.c`

use program::{Control, Driver, File, Op, Question, Queue, QueueQuestion};

use super::World;
use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::control;
use crate::device::Device;
use crate::errno::{EACCES, EBADR, EBUSY, EINVAL, ENOMEM, ENOTTY};
use crate::handle::Handle;
use crate::request::{Request, Stage};

impl World {
    pub(super) fn control(&self, handle: &Handle, op: &Op) -> Guess {
        let device = handle.device;
        if let Device::Other(_) = device {
            return unknown("controls of this driver");
        }
        match *op {
            Op::QueryControl { control, .. } => control::query(device, control),
            Op::GetControl {
                file,
                control,
                request: None,
            } if self.is_about_to_set(file, control) => ok(
                Told::Value(None),
                "v4l2_ctrl_request_setup() may have come before it",
            ),
            Op::GetControl {
                control,
                request: None,
                ..
            } => control::get(device, control, &handle.controls),
            Op::GetControl {
                file,
                control,
                request: Some(request),
            } => match self.request_for(device, request.0) {
                Ok(request) => get_in(device, (file, control), request),
                Err(refused) => refused,
            },
            Op::SetControl {
                control,
                value,
                request: None,
                ..
            }
            | Op::TryControl {
                control,
                value,
                request: None,
                ..
            } => control::set(device, control, value),
            Op::SetControl {
                file,
                control,
                value,
                request: Some(request),
            }
            | Op::TryControl {
                file,
                control,
                value,
                request: Some(request),
            } => {
                let refused = match self.request_for(device, request.0) {
                    Ok(request) => is_closed(file, request, matches!(op, Op::TryControl { .. })),
                    Err(refused) => Some(refused),
                };
                refused.unwrap_or_else(|| control::set(device, control, value))
            }
            _ => ask(device, op),
        }
    }

    /// Whether a job of the file may be about to set this control, since its request holds it.
    fn is_about_to_set(&self, file: File, control: Control) -> bool {
        let Some(handle) = self.files.get(&file.0).filter(|handle| handle.may_start()) else {
            return false;
        };
        let first = handle.output.ready.front();
        let first = first.and_then(|index| handle.output.get(*index));
        let request = first.and_then(|buffer| self.all_requests.get(buffer.request?));
        let bound = request.and_then(|request| request.controls.get(&file.0));
        bound.is_some_and(|bound| bound.values.contains_key(&control))
    }

    /// `media_request_get_by_fd()`
    pub(crate) fn request_for(&self, device: Device, slot: u8) -> Result<&Request, Guess> {
        let Some(request) = self.request(slot) else {
            return Err(fails(EINVAL, "the slot holds no descriptor of a request"));
        };
        if !matches!(
            device,
            Device::Converter { .. } | Device::Other(Driver::Vim2m)
        ) {
            let why = "media_request_get_by_fd(): the device takes no requests";
            return Err(fails(EBADR, why));
        }
        if request.multi != device.is_multi() {
            let why = "media_request_get_by_fd(): it is a request of another device";
            return Err(fails(EINVAL, why));
        }
        Ok(request)
    }
}

/// `v4l2_g_ext_ctrls_request()`
fn get_in(device: Device, (file, control): (File, Control), request: &Request) -> Guess {
    match (request.stage, request.controls.get(&file.0)) {
        (Stage::Unclear, _) => unknown("in which state the request is"),
        (Stage::Complete, Some(bound)) => control::get(device, control, &bound.values),
        (Stage::Complete, None) => fails(
            ENOMEM,
            "v4l2_ctrls_find_req_obj() finds no controls of this file in the request",
        ),
        _ => fails(
            EACCES,
            "v4l2_g_ext_ctrls_request() wants a complete request",
        ),
    }
}

/// `try_set_ext_ctrls_request()`, up to the question whether the value fits.
fn is_closed(file: File, request: &Request, only_try: bool) -> Option<Guess> {
    match request.stage {
        Stage::Unclear => Some(unknown("in which state the request is")),
        Stage::Queued | Stage::Complete => Some(fails(
            EBUSY,
            "media_request_lock_for_update() wants an idle request",
        )),
        Stage::Idle if only_try && !request.controls.contains_key(&file.0) => Some(fails(
            ENOMEM,
            "v4l2_ctrls_find_req_obj() makes no object only to try",
        )),
        Stage::Idle => None,
    }
}

/// Questions that change nothing.
fn ask(device: Device, op: &Op) -> Guess {
    let lacking = fails(ENOTTY, "is_valid_ioctl(): the driver has no such ioctl");
    let none = fails(EINVAL, "the queue has nothing of that kind");
    let told = ok(Told::Done, "the driver answers");
    let encodes = matches!(device, Device::Encoder { .. });
    match *op {
        Op::Ask { question, .. } => match question {
            Question::Querycap | Question::GetPriority => told,
            Question::EnumInput | Question::LogStatus => lacking,
        },
        Op::AskQueue {
            question, queue, ..
        } => match question {
            QueueQuestion::EnumFormat | QueueQuestion::EnumFramesizes => told,
            QueueQuestion::EnumFrameintervals | QueueQuestion::GetParm if !encodes => lacking,
            QueueQuestion::EnumFrameintervals => told,
            QueueQuestion::GetParm if queue == Queue::Capture => none,
            QueueQuestion::GetParm => told,
            QueueQuestion::GetSelection => match (device, queue) {
                (Device::Decoder { .. }, Queue::Output)
                | (Device::Encoder { .. }, Queue::Capture) => none,
                _ => told,
            },
        },
        _ => unknown("an operation that the model has not learnt"),
    }
}
