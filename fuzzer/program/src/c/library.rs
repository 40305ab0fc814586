//! The C functions that reproducers are made of. A file has those that it uses, and no other.

use std::collections::BTreeSet;

/// A piece of C, and the pieces that it calls.
struct Piece {
    name: &'static str,
    needs: &'static [&'static str],
    text: &'static str,
}

macro_rules! pieces {
    ($($name:literal [$($need:literal)*];)+) => {
        /// Every piece stands behind those that it needs.
        const PIECES: &[Piece] = &[$(Piece {
            name: $name,
            needs: &[$($need),*],
            text: include_str!(concat!("lib/", $name, ".c")),
        }),+];
    };
}

pieces! {
    "head" [];
    "did" [];
    "call" [];
    "vacate" [];
    "drop" ["vacate"];
    "second" ["vacate"];
    "pause" [];
    "now" [];
    "fail" [];
    "verdict" ["fail"];
    "cannot_tell" [];
    "node" ["call" "vacate"];
    "format" ["call"];
    "g_fmt" ["format"];
    "s_fmt" ["call"];
    "try_fmt" ["call"];
    "reqbufs" ["call"];
    "create_bufs" ["call" "format"];
    "remove_bufs" ["call"];
    "querybuf" ["call"];
    "querybuf_only" ["querybuf"];
    "map" [];
    "map_plane" ["map" "querybuf"];
    "map_dmabuf" ["map"];
    "touch" ["map"];
    "marked" ["querybuf"];
    "give_marked" ["call" "marked"];
    "give_plain" ["give_marked"];
    "user_memory" ["querybuf"];
    "give_user" ["call" "marked" "user_memory"];
    "wait_for" [];
    "dqbuf" ["call"];
    "dqbuf_wait" ["dqbuf" "wait_for"];
    "alarm" [];
    "dqbuf_block" ["dqbuf" "alarm"];
    "expbuf" ["call" "vacate"];
    "stream" ["call"];
    "decoder_cmd" ["call"];
    "encoder_cmd" ["call"];
    "subscribe" ["call"];
    "unsubscribe" ["call"];
    "dqevent" ["call"];
    "control" ["call"];
    "query_control" ["call"];
    "ask" ["call"];
    "ask_format" ["call"];
    "ask_framesizes" ["format"];
    "ask_frameintervals" ["format"];
    "ask_parm" ["call"];
    "ask_selection" ["call"];
    "export_sync" ["call" "vacate"];
    "import_sync" ["call"];
    "cpu_sync" ["call"];
    "cpu_sync_start" ["cpu_sync" "alarm"];
    "timelines" [];
    "sw_sync" ["call" "vacate" "timelines"];
    "signal" ["call" "timelines"];
    "udmabuf" ["call" "vacate"];
    "heap" ["call" "vacate"];
    "merge" ["call" "vacate"];
    "status" ["call"];
    "tell_status" ["status"];
    "set_deadline" ["call" "now"];
    "knob" ["call"];
    "threads" [];
    "go" ["threads" "pause"];
    "join" ["threads"];
    "unload" [];
    "load" [];
    "reload" ["unload" "load"];
    "new_request" ["call" "vacate"];
    "on_request" [];
    "give_in_request" ["call" "marked"];
    "give_user_in_request" ["call" "marked" "user_memory"];
    "fault" [];
    "stamp" [];
    "check" ["stamp"];
    "watch" ["export_sync" "cannot_tell"];
    "watch_buffer" ["watch" "expbuf"];
    "watch_dmabuf" ["watch"];
    "must_be_unfenced" ["watch" "status" "fail"];
    "must_end" ["watch" "wait_for" "fail"];
    "must_be_pending" ["watch" "status" "querybuf" "fail" "vacate"];
    "must_be_free_for" ["watch" "status" "fail" "vacate"];
    "must_have_ended" ["watch" "status" "fail"];
    "must_end_before_done" ["watch" "status" "querybuf" "pause" "fail"];
    "signalled_at" ["call" "cannot_tell"];
    "must_be_still" ["pause" "fail"];
    "must_be_stamped" ["stamp" "fail"];
    "must_be_over" ["watch" "querybuf" "wait_for" "signalled_at" "must_be_still" "must_be_stamped"];
    "must_tell" ["watch" "status" "fail"];
    "must_end_well" ["call" "wait_for" "cannot_tell" "fail"];
    "must_not_have_waited" ["watch" "status" "now" "fail"];
    "must_wait_for_both" ["status" "cannot_tell" "fail"];
    "must_answer" ["status" "wait_for" "fail"];
    "kernel_log" ["cannot_tell" "fail"];
}

/// The names of pieces that a file needs.
#[derive(Default)]
pub(super) struct Needs(BTreeSet<&'static str>);

impl Needs {
    /// Adds pieces, and what they need.
    pub(super) fn add(&mut self, names: &[&'static str]) {
        for name in names {
            if self.0.insert(name) {
                self.add(needs_of(name));
            }
        }
    }

    /// The text of all of them.
    pub(super) fn text(&self) -> String {
        let wanted = PIECES.iter().filter(|piece| self.0.contains(piece.name));
        let texts: Vec<_> = wanted.map(|piece| piece.text).collect();
        texts.join("\n")
    }
}

fn needs_of(name: &str) -> &'static [&'static str] {
    let piece = PIECES.iter().find(|piece| piece.name == name);
    piece.expect("every piece is in the table").needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_stands_behind_what_it_needs() {
        for (place, piece) in PIECES.iter().enumerate() {
            let before = |need: &str| PIECES[..place].iter().any(|other| other.name == need);
            assert!(
                piece.needs.iter().all(|need| before(need)),
                "{}",
                piece.name
            );
        }
    }

    #[test]
    fn a_file_has_what_it_needs_and_no_more() {
        let mut needs = Needs::default();
        needs.add(&["dqbuf_wait"]);
        let text = needs.text();
        for there in [
            "static int call(",
            "static int dqbuf(",
            "static int wait_for(",
        ] {
            assert_eq!(text.matches(there).count(), 1, "{there}");
        }
        assert!(!text.contains("expbuf"));
    }
}
