//! What pid 1 owes the target: file systems, a console, and a last word.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};

use crate::sys::file;

/// Source and type (they share a name), mount point, and whether the target can do without.
const MOUNTS: [(&str, &str, bool); 5] = [
    ("proc", "/proc", false),
    ("sysfs", "/sys", false),
    ("devtmpfs", "/dev", false),
    ("debugfs", "/sys/kernel/debug", true),
    ("tmpfs", "/tmp", true),
];

/// Mounts the pseudo file systems.
pub(crate) fn mount_all() -> Result<()> {
    for (kind, point, optional) in MOUNTS {
        // The root may be read-only; then the folder must be there already, and mount(2) tells if it is not.
        let _ = fs::create_dir_all(point);
        let mounted = mount(
            Some(kind),
            Path::new(point),
            Some(kind),
            MsFlags::empty(),
            None::<&str>,
        );
        match mounted {
            // The kernel mounts devtmpfs itself if CONFIG_DEVTMPFS_MOUNT says so.
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(_) if optional => {}
            Err(errno) => {
                return Err(errno).with_context(|| {
                    format!("cannot mount {kind} on {point}: make the folder in the target's root")
                });
            }
        }
    }
    Ok(())
}

/// Puts the console behind standard error, where the kernel could not while `/dev` was empty.
pub(crate) fn open_console() {
    if let Ok(fd) = file::open(c"/dev/console", libc::O_RDWR) {
        for standard in 0..3 {
            // SAFETY: the numbers 0 to 2 are not owned by any object of this process.
            unsafe { libc::dup2(fd, standard) };
        }
        let _ = file::close(fd);
    }
}

/// Powers the target off; does not return.
pub(crate) fn power_off() -> ! {
    // SAFETY: sync has no arguments.
    unsafe { libc::sync() };
    let error = reboot(RebootMode::RB_POWER_OFF);
    panic!("reboot(RB_POWER_OFF): {error:?}");
}

/// Has the kernel panic. Who is still there after that has failed.
pub(crate) fn panic_kernel() -> Result<()> {
    const TRIGGER: &str = "/proc/sysrq-trigger";
    fs::write(TRIGGER, "c").context(TRIGGER)?;
    anyhow::bail!("the kernel did not panic: does it have CONFIG_MAGIC_SYSRQ?")
}
