//! `module/include/vb2_double.h`: the knobs of the test double and what it leaves in a plane.

use super::{ioctls, plain};

/// `enum vb2_double_knob_id`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Knob {
    JobBase = 1,
    JobTime = 2,
    Chunks = 3,
    ChunkDelay = 4,
    Completion = 5,
    Gate = 6,
    Watchdog = 7,
    FailError = 8,
    FailLost = 9,
    SourceChange = 10,
}

/// `struct vb2_double_knob`
#[repr(C)]
pub struct Setting {
    id: u32,
    reserved: u32,
    value: u64,
}

/// `struct vb2_double_stamp`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Stamp {
    pub magic: u64,
    pub job: u64,
    pub time_ns: u64,
    pub words: u64,
}

plain! {
    Setting = 16;
    Stamp = 32;
}

/// `VB2_DOUBLE_STAMP_MAGIC`
pub const STAMP_MAGIC: u64 = 0x3262_7663_656e_6566;

ioctls! { b'V';
    /// `VB2_DOUBLE_S_KNOB`
    S_KNOB = request_code_write(192, Setting);
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

/// `vb2_double_word`: pattern word `w` of a job.
pub fn word(job: u64, w: u64) -> u64 {
    job.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ w.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plain;

    #[test]
    fn words_of_neighbouring_jobs_differ() {
        assert_ne!(word(1, 0), word(2, 0));
        assert_ne!(word(1, 0), word(1, 1));
        assert_eq!(word(0, 0), 0);
    }

    #[test]
    fn zeroed_setting_is_all_zero() {
        let setting = Setting::zeroed();
        assert_eq!((setting.id, setting.reserved, setting.value), (0, 0, 0));
    }
}
