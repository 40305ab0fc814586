//! What stands in a plane: the double's stamp, how much of its pattern, and a hash.

use trace::{Content, Stamp};

use crate::double;
use crate::memory::Mapping;

/// 64-bit words of `struct vb2_double_stamp`.
const STAMP_WORDS: usize = 4;
/// Most planes of a buffer.
const PLANES: usize = 3;
/// The word of it that holds the time.
const TIME_WORD: usize = 2;

/// Looks at a mapped plane; times are told relative to `start`.
pub fn look(plane: &Mapping, start: u64) -> Content {
    look_at(plane.words(), start, |index| plane.word(index))
}

fn look_at(words: usize, start: u64, word: impl Fn(usize) -> u64) -> Content {
    let stamp = stamp(words, &word);
    let claimed = stamp.map_or(0, |stamp| stamp.words);
    let fitting = (claimed as usize).min(words.saturating_sub(STAMP_WORDS));
    let good = stamp.map_or(0, |stamp| {
        let good = |plane| {
            let words = 0..fitting;
            let fits = |&w: &usize| {
                word(STAMP_WORDS + w) == double::plane_word(stamp.job, plane, w as u64)
            };
            words.take_while(fits).count()
        };
        // Which plane of its buffer this is does not stand in it, but the patterns of planes differ in every word.
        (0..PLANES).map(good).max().unwrap_or(0)
    });
    Content {
        stamp: stamp.map(|stamp| Stamp {
            job: stamp.job,
            time: since(start, stamp.time_ns),
        }),
        good_words: good as u32,
        words: u32::try_from(claimed).unwrap_or(u32::MAX),
        hash: hash(words, &word),
    }
}

fn stamp(words: usize, word: &impl Fn(usize) -> u64) -> Option<double::Stamp> {
    let whole = words >= STAMP_WORDS && word(0) == double::STAMP_MAGIC;
    whole.then(|| double::Stamp {
        magic: word(0),
        job: word(1),
        time_ns: word(TIME_WORD),
        words: word(3),
    })
}

/// The time since the program started, or -1 for anything before: how long before depends on what ran earlier.
pub fn since(start: u64, time: u64) -> i64 {
    time.checked_sub(start).map_or(-1, |since| since as i64)
}

/// FxHash over all words except the stamp's time.
fn hash(words: usize, word: &impl Fn(usize) -> u64) -> u64 {
    (0..words)
        .filter(|&index| index != TIME_WORD)
        .fold(0, |hash: u64, index| {
            (hash.rotate_left(5) ^ word(index)).wrapping_mul(0x517c_c1b7_2722_0a95)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(job: u64, time: u64, payload: usize) -> Vec<u64> {
        let mut words = vec![double::STAMP_MAGIC, job, time, payload as u64];
        words.extend((0..payload as u64).map(|w| double::word(job, w)));
        words
    }

    fn content(words: &[u64], start: u64) -> Content {
        look_at(words.len(), start, |index| words[index])
    }

    #[test]
    fn a_whole_frame_is_all_good() {
        let content = content(&frame(5, 1500, 100), 1000);
        assert_eq!(content.stamp, Some(Stamp { job: 5, time: 500 }));
        assert_eq!((content.good_words, content.words), (100, 100));
    }

    #[test]
    fn good_words_end_at_the_first_wrong_one() {
        let mut words = frame(5, 1500, 100);
        words[STAMP_WORDS + 40] ^= 1;
        assert_eq!(content(&words, 0).good_words, 40);
    }

    #[test]
    fn without_magic_there_is_no_stamp() {
        let mut words = frame(5, 1500, 8);
        words[0] = 0;
        let content = content(&words, 0);
        assert_eq!(
            (content.stamp, content.good_words, content.words),
            (None, 0, 0)
        );
    }

    #[test]
    fn the_hash_leaves_out_only_the_time() {
        let words = frame(5, 1500, 8);
        let later = frame(5, 9999, 8);
        assert_eq!(content(&words, 0).hash, content(&later, 0).hash);
        for index in (0..words.len()).filter(|&index| index != TIME_WORD) {
            let mut changed = words.clone();
            changed[index] ^= 1 << 40;
            assert_ne!(
                content(&words, 0).hash,
                content(&changed, 0).hash,
                "word {index}"
            );
        }
    }

    #[test]
    fn a_lying_word_count_does_not_reach_beyond_the_plane() {
        let mut words = frame(5, 1500, 8);
        words[3] = u64::MAX;
        let content = content(&words, 0);
        assert_eq!((content.good_words, content.words), (8, u32::MAX));
    }

    #[test]
    fn a_plane_smaller_than_a_stamp_is_hashed_only() {
        assert_eq!(content(&[1, 2], 0).stamp, None);
    }

    #[test]
    fn what_was_before_the_start_is_minus_one() {
        assert_eq!(since(100, 40), -1);
        assert_eq!(since(100, 100), 0);
    }
}
