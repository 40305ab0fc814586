//! `uapi/linux/lab_channel.h` of the lab's kernel: several system calls in one.
//!
//! In User-Mode Linux the way into the kernel and back takes longer than most calls. Whoever looks at many descriptors, or
//! closes them, saves most of it. Where there is no such kernel the calls are made one by one.

use std::marker::PhantomData;
use std::mem::offset_of;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;

use super::clock::Timer;
use super::memory::Mapping;
use super::sync_file::{FILE_INFO, Question};
use super::{Ioctl, Plain, checked, clock, ioctls, plain};

/// `struct lab_call`
#[repr(C)]
#[derive(Clone, Copy)]
struct Call {
    number: u64,
    args: [u64; 6],
    result: i64,
}

/// `struct lab_calls`, which only a [`Batch`] fills in
#[repr(C)]
pub struct Calls {
    calls: u64,
    count: u32,
    reserved: u32,
}

plain! {
    Call = 64;
    Calls = 16;
}
const _: () = assert!(offset_of!(Call, result) == 56);

ioctls! { b'L';
    /// `LAB_CHANNEL_CALLS`
    CALLS = request_code_write(0xc0, Calls);
}

/// A descriptor of the lab's channel.
static CHANNEL: OnceLock<i32> = OnceLock::new();

/// From now on batches go through that descriptor of the lab's channel, if its kernel can do so; true if it can.
pub fn go_through(fd: i32) -> bool {
    let mut none = Calls::zeroed();
    CALLS.call(fd, &mut none).is_ok() && CHANNEL.set(fd).is_ok()
}

/// True if batches go through the lab's channel.
pub fn is_at_once() -> bool {
    CHANNEL.get().is_some()
}

/// System calls that are made in order, whatever each returns. They borrow what they are told about until they are made.
#[derive(Default)]
#[must_use = "the calls are made by `make`"]
pub struct Batch<'a> {
    calls: Vec<Call>,
    /// Arguments of the batch's own. What holds a time for a timer holds one for a sleep as well, at its end.
    #[expect(clippy::vec_box, reason = "calls name places that do not change")]
    times: Vec<Box<libc::itimerspec>>,
    borrowed: PhantomData<&'a mut [u8]>,
}

impl<'a> Batch<'a> {
    /// Adds close(2).
    pub fn close(&mut self, fd: i32) {
        self.push(libc::SYS_close, &[fd as u64]);
    }

    /// Adds munmap(2) of a mapping.
    pub fn unmap(&mut self, mapping: Mapping) {
        self.push(
            libc::SYS_munmap,
            &[mapping.address(), mapping.length() as u64],
        );
        std::mem::forget(mapping);
    }

    /// Adds a sleep of so many nanoseconds.
    pub fn sleep(&mut self, nanoseconds: u64) {
        self.sleep_with(0, nanoseconds);
    }

    /// Adds a sleep until the clock shows `time`.
    pub fn sleep_until(&mut self, time: u64) {
        self.sleep_with(libc::TIMER_ABSTIME, time);
    }

    fn sleep_with(&mut self, flags: libc::c_int, nanoseconds: u64) {
        let clock = libc::CLOCK_MONOTONIC as u64;
        let at = self.keep(nanoseconds) + offset_of!(libc::itimerspec, it_value) as u64;
        self.push(libc::SYS_clock_nanosleep, &[clock, flags as u64, at, 0]);
    }

    /// Adds that a timer expires once, so many nanoseconds after that.
    pub fn arm(&mut self, timer: &Timer, nanoseconds: u64) {
        let at = self.keep(nanoseconds.max(1));
        self.push(libc::SYS_timer_settime, &[timer.id(), 0, at, 0]);
    }

    fn keep(&mut self, nanoseconds: u64) -> u64 {
        let time = Box::new(libc::itimerspec {
            it_interval: clock::timespec(0),
            it_value: clock::timespec(nanoseconds),
        });
        let at = std::ptr::from_ref(&*time) as u64;
        self.times.push(time);
        at
    }

    /// Adds write(2).
    pub fn write(&mut self, fd: i32, bytes: &'a [u8]) {
        let at = bytes.as_ptr() as u64;
        self.push(libc::SYS_write, &[fd as u64, at, bytes.len() as u64]);
    }

    /// Adds read(2).
    pub fn read(&mut self, fd: i32, buffer: &'a mut [u8]) {
        let at = buffer.as_mut_ptr() as u64;
        self.push(libc::SYS_read, &[fd as u64, at, buffer.len() as u64]);
    }

    /// Adds a question to a sync_file.
    pub fn ask(&mut self, fd: i32, question: &'a mut Question) {
        self.ioctl(&FILE_INFO, fd, question.argument());
    }

    /// Adds a poll(2) that does not wait.
    pub fn poll(&mut self, entries: &'a mut [libc::pollfd]) {
        let at = entries.as_mut_ptr() as u64;
        self.push(libc::SYS_poll, &[at, entries.len() as u64, 0]);
    }

    /// Adds pread(2).
    pub fn read_at(&mut self, fd: i32, buffer: &'a mut [u8], offset: u64) {
        let at = buffer.as_mut_ptr() as u64;
        let args = [fd as u64, at, buffer.len() as u64, offset];
        self.push(libc::SYS_pread64, &args);
    }

    fn ioctl<T: Plain>(&mut self, ioctl: &Ioctl<T>, fd: i32, argument: &'a mut T) {
        let at = std::ptr::from_mut(argument) as u64;
        self.push(libc::SYS_ioctl, &[fd as u64, ioctl.request, at]);
    }

    fn push(&mut self, number: libc::c_long, args: &[u64]) {
        let mut call = Call::zeroed();
        call.number = number as u64;
        call.args[..args.len()].copy_from_slice(args);
        self.calls.push(call);
    }

    /// Makes the calls, at once if the kernel can do so; tells what each returned.
    pub fn make(mut self) -> Vec<nix::Result<u64>> {
        match CHANNEL.get() {
            Some(channel) if self.calls.len() > 1 => {
                self.together(*channel);
                self.results()
            }
            _ => self.make_apart(),
        }
    }

    /// Makes the calls one by one, as a program without the lab's kernel does.
    pub fn make_apart(mut self) -> Vec<nix::Result<u64>> {
        self.apart();
        self.results()
    }

    fn results(&self) -> Vec<nix::Result<u64>> {
        self.calls.iter().map(|call| told(call.result)).collect()
    }

    fn together(&mut self, channel: i32) {
        let mut calls = Calls {
            calls: self.calls.as_mut_ptr() as u64,
            count: self.calls.len() as u32,
            reserved: 0,
        };
        CALLS
            .call(channel, &mut calls)
            .expect("the kernel makes calls that are there");
    }

    fn apart(&mut self) {
        for call in &mut self.calls {
            let [a, b, c, d, e, f] = call.args;
            // SAFETY: each call was added with arguments that are its own or borrowed for `'a`, which has not ended.
            let result = unsafe { libc::syscall(call.number as libc::c_long, a, b, c, d, e, f) };
            let failed = result < 0;
            call.result = match failed {
                true => -i64::from(Errno::last_raw()),
                false => result,
            };
            // What it returned is the caller's business; here it is counted.
            let _ = checked(0);
        }
    }
}

fn told(result: i64) -> nix::Result<u64> {
    u64::try_from(result).map_err(|_| Errno::from_raw(-result as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file;

    #[test]
    fn each_call_has_its_own_result() {
        let memory = crate::memory::sealed(4096).expect("a memfd");
        let mapping = Mapping::new(memory, 4096, true).expect("mapped");
        let mut bytes = [1; 8];
        let mut entries = [libc::pollfd {
            fd: memory,
            events: libc::POLLIN,
            revents: 0,
        }];
        let mut batch = Batch::default();
        batch.close(-1);
        batch.read_at(memory, &mut bytes, 4092);
        batch.poll(&mut entries);
        batch.unmap(mapping);
        batch.sleep(1);
        let expected = [Err(Errno::EBADF), Ok(4), Ok(1), Ok(0), Ok(0)];
        assert_eq!(batch.make(), expected);
        assert_eq!(bytes, [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(entries[0].revents, libc::POLLIN);
        let mut batch = Batch::default();
        batch.close(memory);
        assert_eq!(batch.make_apart(), [Ok(0)]);
        assert!(file::close(memory).is_err());
    }

    #[test]
    fn what_is_no_channel_is_not_gone_through() {
        assert!(!go_through(-1));
    }
}
