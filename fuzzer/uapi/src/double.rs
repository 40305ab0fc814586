//! `module/include/vb2_double.h`: the knobs of the test double, what it counts, and what it leaves in a plane.

pub mod abi;
mod knobs;

pub use knobs::{Field, Knob, Spec, TABLE};

use super::{ioctls, plain};

/// `struct vb2_double_knob`
#[repr(C)]
pub struct Setting {
    id: u32,
    reserved: u32,
    value: u64,
}

/// `struct vb2_double_stamp`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub magic: u64,
    pub job: u64,
    pub time_ns: u64,
    pub words: u64,
}

/// `struct vb2_double_stats`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    pub begun: u64,
    pub completed: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub aborted: u64,
    pub refused: u64,
    pub late: u64,
    pub queued_output: u64,
    pub queued_capture: u64,
    pub done_output: u64,
    pub done_capture: u64,
    pub error_output: u64,
    pub error_capture: u64,
    pub fences: u64,
    pub from_interrupt: u64,
    pub from_work: u64,
    pub from_device_run: u64,
    pub under_job_lock: u64,
    pub pipelined: u64,
}

plain! {
    Setting = 16;
    Stamp = 32;
    Stats = 152;
}

/// `VB2_DOUBLE_STAMP_MAGIC`
pub const STAMP_MAGIC: u64 = 0x3262_7663_656e_6566;

ioctls! { b'V';
    /// `VB2_DOUBLE_S_KNOB`
    S_KNOB = request_code_write(192, Setting);
    /// `VB2_DOUBLE_G_STATS`
    G_STATS = request_code_read(193, Stats);
}

/// Sets a knob of an open handle.
pub fn set(fd: i32, knob: Knob, value: u64) -> nix::Result<()> {
    S_KNOB
        .call(
            fd,
            &mut Setting {
                id: knob as u32,
                reserved: 0,
                value,
            },
        )
        .map(drop)
}

/// What the double counted on an open handle.
pub fn stats(fd: i32) -> nix::Result<Stats> {
    let mut stats = crate::Plain::zeroed();
    G_STATS.call(fd, &mut stats).map(|_| stats)
}

/// `vb2_double_word`: pattern word `w` of the first plane of a job.
pub fn word(job: u64, w: u64) -> u64 {
    job.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ w.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Pattern word `w` of a plane of a job.
pub fn plane_word(job: u64, plane: usize, w: u64) -> u64 {
    word(job ^ (plane as u64) << 56, w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plain;

    #[test]
    fn words_of_neighbouring_jobs_and_planes_differ() {
        assert_ne!(word(1, 0), word(2, 0));
        assert_ne!(word(1, 0), word(1, 1));
        assert_eq!(word(0, 0), 0);
        assert_eq!(plane_word(7, 0, 5), word(7, 5));
        assert_ne!(plane_word(7, 1, 5), plane_word(7, 2, 5));
    }

    #[test]
    fn zeroed_setting_is_all_zero() {
        let setting = Setting::zeroed();
        assert_eq!((setting.id, setting.reserved, setting.value), (0, 0, 0));
    }
}
