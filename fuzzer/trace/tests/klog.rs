//! Kernel log lines: golden files of real splats, and what holds for any line.

use proptest::prelude::*;
use trace::klog::{Digest, digest, normalise};

/// Normalises and digests a log, as it would be written into a report.
fn report(log: &str) -> String {
    let lines: Vec<String> = log.lines().map(normalise).collect();
    let Digest { splats, loose } = digest(&lines);
    let mut text = String::new();
    for splat in splats {
        text += &format!("splat: {}\n", splat.title);
        text.extend(splat.frames.iter().map(|frame| format!("       {frame}\n")));
    }
    text.extend(
        loose
            .iter()
            .map(|index| format!("loose: {}\n", lines[*index])),
    );
    text + "---\n" + &lines.join("\n") + "\n"
}

fn check(name: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let log = std::fs::read_to_string(format!("{folder}/{name}.log")).unwrap();
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, report(&log));
    });
}

#[test]
fn kasan_on_user_mode_linux() {
    check("kasan-uml");
}

#[test]
fn a_panic_on_user_mode_linux() {
    check("panic-uml");
}

#[test]
fn warnings_of_old_and_new_kernels() {
    check("warnings");
}

#[test]
fn lockdep() {
    check("lockdep");
}

#[test]
fn lines_that_belong_to_no_splat() {
    check("loose");
}

fn title(line: &str) -> Option<String> {
    digest(&[normalise(line)])
        .splats
        .into_iter()
        .next()
        .map(|splat| splat.title)
}

#[test]
fn titles_have_no_numbers_that_chance_decides() {
    let titles = [
        (
            "[   12.345678][   T31] BUG: KASAN: slab-use-after-free in vb2_timeline+0x1c/0x80 [videobuf2_common]",
            "KASAN: slab-use-after-free in vb2_timeline",
        ),
        (
            "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:591",
            "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:*",
        ),
        (
            "kernel BUG at drivers/dma-buf/dma-resv.c:319!",
            "kernel BUG at drivers/dma-buf/dma-resv.c:*!",
        ),
        (
            "Kernel panic - not syncing: Kernel mode fault at addr 0x584, ip 0x60232ae1",
            "Kernel panic - not syncing: Kernel mode fault at addr 0x*, ip 0x*",
        ),
        (
            "INFO: task kworker/0:1:23 blocked for more than 120 seconds.",
            "INFO: task kworker/* blocked for more than * seconds.",
        ),
        (
            "driver bug: stop_streaming operation is leaving buffer 2 in active state",
            "driver bug: stop_streaming operation is leaving buffer * in active state",
        ),
        (
            "WARNING: CPU: 0 PID: 31 at drivers/media/common/videobuf2/videobuf2-core.c:1528 vb2_buffer_done.cold+0x1c/0x80",
            "WARNING in vb2_buffer_done",
        ),
    ];
    for (line, expected) in titles {
        assert_eq!(title(line).as_deref(), Some(expected));
    }
    assert_eq!(title("vb2_double: loaded"), None);
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(line in "[ -~]{0,60}") {
        let once = normalise(&line);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn any_text_can_be_normalised_and_digested(lines in proptest::collection::vec(".{0,60}", 0..8)) {
        let lines: Vec<String> = lines.iter().map(|line| normalise(line)).collect();
        let digest = digest(&lines);
        prop_assert!(digest.loose.iter().all(|index| *index < lines.len()));
        prop_assert!(digest.splats.len() + digest.loose.len() <= lines.len());
    }

    #[test]
    fn no_address_is_left(address in 0x1000_0000u64.., label in "[a-z]{1,8}", pid in 0u32..99999) {
        let lines = [
            format!("{label} at {address:016x} by task init/{pid}"),
            format!("{label}=0x{address:x}, PID: {pid} Comm: init"),
        ];
        for line in lines {
            let normal = normalise(&line);
            prop_assert!(!normal.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0'), "{}", normal);
        }
    }

    #[test]
    fn time_and_caller_in_front_make_no_difference(seconds in 0u32..99999, micros in 0u32..999_999, caller in 0u32..999) {
        let plain = normalise("WARNING: possible recursive locking detected");
        let line = format!("[{seconds:5}.{micros:06}][{:>6}] {plain}", format!("T{caller}"));
        let other = format!("[{seconds:5}.{micros:06}][C{caller}] {plain}");
        prop_assert_eq!(normalise(&other), plain.clone());
        prop_assert_eq!(normalise(&line), plain);
    }
}
