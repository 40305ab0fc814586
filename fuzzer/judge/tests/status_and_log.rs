//! Oracles of status and kernel log, and what a lossy ledger leaves of all oracles: each has a trace that trips it and one that comes near and does not.

mod support;

use judge::Invariant::{I1, I17, I27};
use judge::{Note, notes};
use support::*;
use trace::*;

// I17

#[test]
fn i17_an_error_that_the_fence_does_not_carry() {
    let mut run = exported();
    run.ledger(Kind::Signal {
        fence: DST,
        error: 0,
    })
    .ledger(Kind::Done {
        buffer: CAP0,
        state: 6,
    });
    run.ok("streamoff a cap");
    let violation = run.finds_only(I17);
    assert_eq!(violation.observed, "it was signalled with no error");
}

#[test]
fn i17_an_error_that_all_tell() {
    let mut run = failing();
    run.wait(MS).cut(-5).ok("advance 1ms");
    let time = run.now;
    run.call("dqbuf a cap", buffer(0, 0x40)).look(Look::Sync {
        slot: 0,
        info: signalled(-5, time),
    });
    run.clean();
}

#[test]
fn i17_a_flag_that_dqbuf_forgot() {
    let mut run = failing();
    run.wait(MS)
        .cut(-5)
        .ok("advance 1ms")
        .call("dqbuf a cap", buffer(0, 0));
    run.finds_only(I17);
}

#[test]
fn i17_a_sync_file_that_tells_success_of_a_failure() {
    let mut run = failing();
    run.wait(MS).cut(-5).ok("advance 1ms");
    let time = run.now;
    run.call("file_info s0", sync(signalled(1, time)));
    run.finds_only(I17);
}

#[test]
fn i17_a_merge_of_a_failed_fence_is_the_stub() {
    let mut run = failing();
    run.wait(MS).cut(-5).ok("advance 1ms");
    let time = run.now;
    run.call("s2 = merge s0 s0", sync(signalled(1, time)));
    run.call("file_info s2", sync(signalled(1, time))).clean();
}

// I27

#[test]
fn i27_a_splat() {
    let mut run = exported();
    run.log(5, "------------[ cut here ]------------");
    run.log(4, "WARNING: drivers/media/common/videobuf2/videobuf2-core.c:1528 at vb2_buffer_done+0x1c/0x80, CPU#*: agent/*");
    run.log(4, "Call Trace:")
        .log(4, " vb2_double_finish+0x1c/0x80 [vb2_double]");
    run.log(4, "---[ end trace * ]---").ok("advance 1ms");
    let violation = run.finds_only(I27);
    assert_eq!(
        violation.title(),
        "WARNING in vb2_buffer_done (vb2_double_finish)"
    );
}

#[test]
fn i27_a_warning_of_a_driver() {
    let mut run = exported();
    run.log(
        4,
        "driver bug: stop_streaming operation is leaving buffer 3 in active state",
    );
    let violation = run.finds_only(I27);
    assert_eq!(
        violation.title(),
        "driver bug: stop_streaming operation is leaving buffer * in active state"
    );
}

#[test]
fn i27_a_loose_error() {
    let mut run = exported();
    run.log(3, "vb2_double: cannot map").finds_only(I27);
}

#[test]
fn i27_harmless_lines() {
    let mut run = exported();
    run.log(4, "vb2_double: loading out-of-tree module taints kernel.")
        .log(6, "vb2_double: hello")
        .log(3, "contiguous chunk is too small 4096/8192");
    run.clean();
}

/// `vb2_dc_get_base_sgt()`
#[test]
fn i27_what_an_allocator_says_of_an_allocation_that_was_made_to_fail() {
    let mut run = exported();
    run.log(3, "vb2_double vb2_double.0: failed to alloc sg table");
    run.finds_only(I27);
    let mut run = exported();
    run.fault()
        .log(3, "vb2_double vb2_double.0: failed to alloc sg table");
    run.clean();
}

#[test]
fn i27_a_target_that_died() {
    let mut run = exported();
    run.log(
        1,
        "BUG: KASAN: slab-use-after-free in vb2_timeline_name+0x10/0x20",
    );
    run.log(0, "Kernel panic - not syncing: Fatal exception")
        .died(Death::Panic);
    let titles: Vec<_> = run.judge().iter().map(judge::Violation::title).collect();
    let splat = "KASAN: slab-use-after-free in vb2_timeline_name";
    assert_eq!(
        titles,
        [
            splat.to_owned(),
            format!("the kernel panicked after {splat}")
        ]
    );
    let mut run = exported();
    assert_eq!(run.died(Death::Hang).finds_only(I27).op, None);
}

// Loss

#[test]
fn a_lossy_ledger_makes_the_oracles_that_need_it_abstain() {
    let mut run = whole().without(|event| {
        !is(event, |kind| {
            matches!(kind, Kind::Signal { fence: DST, .. })
        })
    });
    run.finds(I1);
    run.lost().clean();
    assert_eq!(notes(&run.trace), [Note::LedgerLost { records: 3 }]);
    run.log(3, "odd");
    run.finds_only(I27);
}

#[test]
fn a_complete_ledger_needs_no_note() {
    assert_eq!(notes(&whole().trace), []);
}
