//! What becomes of the values of controls, and of those that requests hold.
//!
//! C source: `v4l2-ctrls-request.c`

use program::Op;
use trace::Out;

use crate::errno::{EACCES, EINVAL, ERANGE};
use crate::part::Parts;
use crate::request::{RequestId, Stage};
use crate::world::World;

impl World {
    /// A call on controls succeeded.
    pub(super) fn controlled(&mut self, op: &Op, out: &Out) {
        let Out::Value { value } = *out else { return };
        self.set_beside(op);
        match *op {
            Op::GetControl {
                file,
                control,
                request: None,
            }
            | Op::SetControl {
                file,
                control,
                request: None,
                ..
            } => {
                if let Some(handle) = self.files.get_mut(&file.0) {
                    handle.controls.insert(control, Some(value));
                }
            }
            Op::SetControl {
                file,
                control,
                request: Some(request),
                ..
            } => {
                if let Some(id) = self.requests.get(&request.0) {
                    let bound = self.all_requests[*id].controls.entry(file.0).or_default();
                    bound.values.insert(control, Some(value));
                }
            }
            _ => {}
        }
    }

    /// A control was set. A job that is about to start may have looked at it before, or may set it after that.
    pub(crate) fn set_beside(&mut self, op: &Op) {
        if let Op::SetControl { file, .. } = op
            && let Some(handle) = self.files.get_mut(&file.0)
        {
            handle.set_late |= handle.may_start();
        }
    }

    /// A call on controls failed. The request has an object for the controls of the file before the kernel looks at the control.
    pub(super) fn not_controlled(&mut self, op: &Op, errno: i32) {
        let Op::SetControl {
            file,
            request: Some(request),
            ..
        } = *op
        else {
            return;
        };
        let Some(handle) = self.files.get(&file.0) else {
            return;
        };
        let takes = self.request_for(handle.device, request.0);
        let open = takes.is_ok_and(|request| request.stage == Stage::Idle);
        let id = self.requests.get(&request.0).copied();
        if let Some(id) = id.filter(|_| open && [EACCES, EINVAL, ERANGE].contains(&errno)) {
            self.all_requests[id].controls.entry(file.0).or_default();
        }
    }

    /// The job of a buffer in the request starts: its controls get their values, and are complete. `sure` if nothing else can
    /// have changed them at the same time.
    pub(crate) fn apply_controls(&mut self, file: u8, request: RequestId, sure: bool) {
        if let Some(handle) = self.files.get_mut(&file) {
            self.all_requests[request].apply(file, &mut handle.controls, sure);
        }
    }

    /// The buffer of this file in the request came back.
    pub(crate) fn settle_request(&mut self, file: u8, request: RequestId) {
        if let Some(handle) = self.files.get(&file) {
            self.all_requests[request].lost_its_buffer(file, &handle.controls);
        }
    }

    /// The file is closed: `v4l2_ctrl_handler_free_request()`.
    pub(super) fn unbind_controls(&mut self, file: u8) {
        let lingers = self.lingers;
        for request in &mut self.all_requests {
            request.unbind(file, lingers);
        }
    }

    /// Whether a call that runs may set a control of the file, or one that ran beside others did.
    pub(crate) fn is_steered(&self, file: u8, running: &[&Op]) -> bool {
        let sets = |op: &&Op| matches!(op, Op::SetControl { file: other, .. } if other.0 == file);
        let knobs = Parts::knobs(program::File(file));
        running.iter().any(sets) || !(self.doubt & knobs).is_empty()
    }
}
