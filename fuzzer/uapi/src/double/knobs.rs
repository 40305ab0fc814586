//! The knobs of the test double, each defined here and nowhere else. [`abi`](super::abi) makes the C header's enum and
//! the page of docs from this table; a drill asks the running double whether its ranges are these.

/// Bits of a knob's value that mean one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is called; empty if the value has one field only.
    pub name: &'static str,
    /// The lowest of its bits.
    pub shift: u32,
    /// How many it has.
    pub bits: u32,
    /// Lowest value.
    pub lowest: u64,
    /// Highest value.
    pub highest: u64,
}

impl Field {
    /// The whole of the value.
    const fn whole(lowest: u64, highest: u64) -> Self {
        Self::part("", 0, 64, lowest, highest)
    }

    const fn part(name: &'static str, shift: u32, bits: u32, lowest: u64, highest: u64) -> Self {
        Self {
            name,
            shift,
            bits,
            lowest,
            highest,
        }
    }

    /// The field's value in its place.
    pub fn place(&self, value: u64) -> u64 {
        value << self.shift
    }

    /// The value beyond the highest, if the field has bits for it.
    pub fn too_high(&self) -> Option<u64> {
        let most = u64::MAX >> (u64::BITS - self.bits);
        (self.highest < most).then(|| self.highest + 1)
    }

    /// The value before the lowest, if there is one.
    pub fn too_low(&self) -> Option<u64> {
        self.lowest.checked_sub(1)
    }
}

/// Everything that is to be known of a knob.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Which one.
    pub knob: Knob,
    /// What the C header calls it, behind `VB2_DOUBLE_KNOB_`.
    pub name: &'static str,
    /// Its range.
    pub fields: &'static [Field],
    /// What the value counts; empty for a number or a switch.
    pub unit: &'static str,
    /// The value of a handle that has just been opened.
    pub default: u64,
    /// The node of which the whole range is accepted.
    pub node: &'static str,
    /// The behaviour of real hardware, or of its driver, that it stands for.
    pub stands_for: &'static str,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! knobs {
    ($($id:literal $knob:ident $name:literal {
        range: $fields:expr, unit: $unit:literal, default: $default:expr, node: $node:literal,
        stands_for: $stands_for:literal, doc: $doc:literal,
    })*) => {
        /// `enum vb2_double_knob_id`
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Knob { $(
            #[doc = $doc]
            $knob = $id,
        )* }

        /// Every knob, by its number.
        pub const TABLE: &[Spec] = &[$(Spec {
            knob: Knob::$knob,
            name: $name,
            fields: $fields,
            unit: $unit,
            default: $default,
            node: $node,
            stands_for: $stands_for,
            doc: $doc,
        }),*];
    };
}

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

knobs! {
    1 JobBase "JOB_BASE" {
        range: &[Field::whole(0, u64::MAX)], unit: "", default: 0, node: "decoder",
        stands_for: "nothing: it tells jobs of several handles apart",
        doc: "job ids of this handle are this value plus 1, 2, 3, …",
    }
    2 JobTime "JOB_TIME" {
        range: &[Field::whole(0, 10 * SECOND)], unit: "ns", default: MS, node: "decoder",
        stands_for: "hardware that takes its time",
        doc: "time from the kick to the first chunk",
    }
    3 Chunks "CHUNKS" {
        range: &[Field::whole(1, 64)], unit: "", default: 4, node: "decoder",
        stands_for: "a frame that comes bit by bit",
        doc: "chunks in which the writer fills the planes",
    }
    4 ChunkDelay "CHUNK_DELAY" {
        range: &[Field::whole(0, SECOND)], unit: "ns", default: 0, node: "decoder",
        stands_for: "a frame that comes bit by bit",
        doc: "time between two chunks",
    }
    5 Completion "COMPLETION" {
        range: &[Field::whole(0, 4)], unit: "", default: 0, node: "m2m",
        stands_for: "the contexts and orders in which drivers end jobs",
        doc: "how jobs end: 0 in an hrtimer callback, 1 on a workqueue, 2 inside device_run, 3 in an hrtimer callback \
              with v4l2_m2m_buf_done_and_job_finish(), under mem2mem's job lock, 4 pipelined: mem2mem's job is finished \
              when the hardware is kicked and the buffers are given back later, so that jobs of several handles are under \
              way at once; EINVAL for 4 on codecs, which drain; EBUSY for a change from or to 4 while a node that can \
              hold CAPTURE buffers has OUTPUT buffers",
    }
    6 Gate "GATE" {
        range: &[Field::whole(0, 64)], unit: "", default: 0, node: "decoder",
        stands_for: "nothing: it stops the hardware at a place of your choice",
        doc: "0 opens the gate; n holds the writer before chunk n; acts on the job that is being written, too",
    }
    7 Watchdog "WATCHDOG" {
        range: &[Field::whole(MS, 2 * SECOND)], unit: "ns", default: SECOND, node: "decoder",
        stands_for: "the watchdog that every driver needs",
        doc: "time after which the watchdog stops the writer and ends the job with an error",
    }
    8 FailError "FAIL_ERROR" {
        range: &[Field::whole(0, u64::MAX)], unit: "jobs", default: 0, node: "decoder",
        stands_for: "an interrupt that reports an error",
        doc: "the n-th job from now ends in VB2_BUF_STATE_ERROR; 0 for none",
    }
    9 FailLost "FAIL_LOST" {
        range: &[Field::whole(0, u64::MAX)], unit: "jobs", default: 0, node: "decoder",
        stands_for: "an interrupt that never comes",
        doc: "the completion of the n-th job from now is lost; 0 for none",
    }
    10 SourceChange "SOURCE_CHANGE" {
        range: &[
            Field::part("n", 0, 16, 0, 0xffff),
            Field::part("width", 16, 16, 16, 4096),
            Field::part("height", 32, 16, 16, 4096),
        ],
        unit: "frames", default: 0, node: "decoder",
        stands_for: "a stream that changes its size (dev-decoder.rst)",
        doc: "before the n-th OUTPUT buffer from now the stream changes size; bits 0-15 n (0 for none), bits 16-31 width, \
              bits 32-47 height; EINVAL but on decoders",
    }
    11 Frames "FRAMES" {
        range: &[Field::whole(1, 16)], unit: "frames", default: 1, node: "decoder",
        stands_for: "several frames in one OUTPUT buffer, as vicodec finds them",
        doc: "CAPTURE buffers that one OUTPUT buffer feeds, from the next OUTPUT buffer on; it is given back, and has a \
              fence, with its last job; EBUSY for a change from or to 1 while a node that can hold CAPTURE buffers has \
              OUTPUT buffers",
    }
    12 NotReady "NOT_READY" {
        range: &[Field::whole(0, 1)], unit: "", default: 0, node: "decoder",
        stands_for: "a job_ready that waits for something else",
        doc: "1: no job is ready; 0: jobs are, and those that waited are scheduled",
    }
    13 MinQueued "MIN_QUEUED" {
        range: &[
            Field::part("OUTPUT", 0, 8, 0, 8),
            Field::part("CAPTURE", 8, 8, 0, 8),
        ],
        unit: "buffers", default: 0, node: "decoder",
        stands_for: "vb2_queue.min_queued_buffers",
        doc: "buffers that are to be queued before streaming starts; bits 0-7 OUTPUT, bits 8-15 CAPTURE; EBUSY while \
              buffers are allocated, EINVAL for OUTPUT of a node with requests",
    }
    14 Suspend "SUSPEND" {
        range: &[Field::whole(0, 1)], unit: "", default: 0, node: "decoder",
        stands_for: "v4l2_m2m_suspend() and v4l2_m2m_resume()",
        doc: "1: waits for the node's running job and lets none run; 0: jobs of the node run again, unless another handle \
              has suspended it too; closing the handle does the same as 0",
    }
    15 FailLate "FAIL_LATE" {
        range: &[Field::whole(0, u64::MAX)], unit: "jobs", default: 0, node: "decoder",
        stands_for: "an interrupt that loses the race against the watchdog",
        doc: "the interrupt of the n-th job from now comes half a millisecond after its watchdog has ended the job; it is \
              counted and ends no other; 0 for none",
    }
    16 Abort "ABORT" {
        range: &[Field::whole(0, 1)], unit: "", default: 0, node: "decoder",
        stands_for: "a job_abort that stops the hardware, or one that waits for it",
        doc: "0: STREAMOFF and close stop the writer at once; 1: they wait until it is through, or until the watchdog ends \
              its job",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_are_numbered_from_one() {
        for (index, spec) in TABLE.iter().enumerate() {
            assert_eq!(spec.knob as usize, index + 1, "{}", spec.name);
        }
    }

    #[test]
    fn fields_do_not_overlap_and_defaults_are_in_range() {
        for spec in TABLE {
            let mut end = 0;
            for field in spec.fields {
                assert!(field.shift >= end, "{}", spec.name);
                assert!(field.lowest <= field.highest, "{}", spec.name);
                end = field.shift + field.bits;
            }
            if let [field] = spec.fields {
                assert!((field.lowest..=field.highest).contains(&spec.default));
            }
        }
    }

    #[test]
    fn what_is_out_of_range_has_to_fit_the_field() {
        let whole = Field::whole(0, u64::MAX);
        assert_eq!((whole.too_low(), whole.too_high()), (None, None));
        let part = Field::part("part", 8, 8, 3, 8);
        assert_eq!((part.too_low(), part.too_high()), (Some(2), Some(9)));
        assert_eq!(Field::part("n", 0, 16, 0, 0xffff).too_high(), None);
    }
}
