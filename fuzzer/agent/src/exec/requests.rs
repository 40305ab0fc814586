//! Operations on media requests.

use nix::errno::Errno;
use nix::libc;
use program::{File, Micros, Op, Request};
use trace::Out;

use super::{DONE, Executor, poll_limit};
use crate::journal::{Outcome, Seen};
use crate::sys::{Ioctl, file, media};

impl Executor<'_> {
    pub(super) fn request_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::AllocRequest { request, file } => self.alloc_request(request, file),
            Op::QueueRequest { request } => self.on_request(&media::REQUEST_QUEUE, request),
            Op::ReinitRequest { request } => self.on_request(&media::REQUEST_REINIT, request),
            Op::PollRequest { request, timeout } => self.poll_request(request, timeout),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn alloc_request(&self, slot: Request, file: File) -> Outcome {
        self.vacate_request(slot);
        let place = media::place(self.file(file))?;
        let path = self.shared.device().media(place)?;
        let fd = media::request(&path)?;
        self.shared.table().set_request(slot, fd);
        DONE
    }

    fn on_request(&self, ioctl: &Ioctl<libc::c_int>, slot: Request) -> Outcome {
        let fd = self.shared.table().request(slot).fd;
        ioctl.call(fd, &mut 0)?;
        DONE
    }

    fn poll_request(&self, slot: Request, timeout: Micros) -> Outcome {
        let fd = self.shared.table().request(slot).fd;
        let revents = file::poll(fd, libc::POLLPRI, poll_limit(timeout))?;
        Ok(Seen::Out(Out::Polled { revents }))
    }
}
