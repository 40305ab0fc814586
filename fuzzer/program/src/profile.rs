//! What the generator prefers. A campaign runs many profiles: each switches some operations off and skews the rest, since
//! programs that do everything at once rarely get far with anything (swarm testing).

use crate::choose::Choose;
use crate::driver::Driver;
use crate::syntax::OpKind;

/// Weights and rates of the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What programs are made for.
    pub(crate) driver: Driver,
    weights: Vec<u32>,
    /// Operations of a program, on average.
    pub mean_ops: usize,
    /// How many operations in 100 are wrong in an interesting way.
    pub wrong_percent: u32,
    /// How many in 100 of the operations that may be asynchronous are.
    pub async_percent: u32,
    /// Chance in 100, at each operation, to play a whole scene (a reconfiguration, a drain, …).
    pub scene_percent: u32,
    /// Chance in 100 that a program which has run no job gets one at its end.
    pub job_percent: u32,
    /// Video files open at the same time.
    pub max_files: u8,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            driver: Driver::Double,
            weights: OpKind::ALL.iter().map(|kind| weight(*kind)).collect(),
            mean_ops: 20,
            wrong_percent: 20,
            async_percent: 5,
            scene_percent: 6,
            job_percent: 70,
            max_files: 3,
        }
    }
}

impl Profile {
    /// What suits programs for this driver: it is not bothered with what it does not know.
    pub fn of(driver: Driver) -> Self {
        let mut profile = Self {
            driver,
            ..Self::default()
        };
        for kind in OpKind::ALL {
            if !driver.knows(*kind) {
                profile.set_weight(*kind, 0);
            }
        }
        if driver == Driver::VicodecDecoder {
            // Its streams are what it is about.
            profile.scene_percent *= 2;
            profile.set_weight(OpKind::DecoderCmd, 12);
            profile.set_weight(OpKind::SourceChange, 6);
        }
        profile
    }

    /// How often an operation is chosen where it fits, relative to others; 0 switches it off but in scenes, which are played
    /// with all that belongs to them.
    pub fn weight(&self, kind: OpKind) -> u32 {
        self.weights[kind as usize]
    }

    /// Changes a weight.
    pub fn set_weight(&mut self, kind: OpKind, weight: u32) {
        self.weights[kind as usize] = weight;
    }

    /// The temperament of a campaign: some operations twice or four times as frequent, some rarer. None is off: what is off
    /// for a whole campaign is what it cannot find; each program switches some off, see [`Profile::swarm`].
    pub fn tempered(&self, choose: &mut dyn Choose) -> Self {
        let mut tempered = self.clone();
        for kind in OpKind::ALL {
            let factor = [2, 1, 4, 8][choose.weighted(&[6, 2, 2, 1])];
            let scaled = (self.weight(*kind) * factor / 2).max(self.weight(*kind).min(1));
            tempered.set_weight(*kind, scaled);
        }
        tempered
    }

    /// The operations whose weight differs from another profile's, with both: `import_sync 5>10`.
    pub fn against(&self, other: &Self) -> String {
        let differs = |kind: &&OpKind| self.weight(**kind) != other.weight(**kind);
        let told = |kind: &OpKind| {
            let (before, after) = (other.weight(*kind), self.weight(*kind));
            format!("{kind:?} {before}>{after}")
        };
        let kinds = OpKind::ALL.iter().filter(differs);
        kinds.map(told).collect::<Vec<_>>().join(", ")
    }

    /// A variation of this profile for one program: some operations off, some frequent, other rates.
    pub fn swarm(&self, choose: &mut dyn Choose) -> Self {
        let mut swarm = self.clone();
        for kind in OpKind::ALL {
            let factor = [2, 0, 1, 6][choose.weighted(&[5, 2, 2, 1])];
            let scaled = self.weight(*kind) * factor / 2;
            // Without these no job ever runs, or only slow ones, and a campaign without jobs tests nothing.
            let floor = if is_vital(*kind) {
                self.weight(*kind).min(5)
            } else {
                0
            };
            swarm.set_weight(*kind, scaled.max(floor));
        }
        swarm.wrong_percent = self.wrong_percent * [1, 0, 2][choose.weighted(&[6, 1, 1])];
        swarm.async_percent = self.async_percent * [1, 0, 4][choose.weighted(&[4, 1, 1])];
        swarm.scene_percent = self.scene_percent * [1, 0, 2][choose.weighted(&[4, 1, 2])];
        swarm
    }
}

fn is_vital(kind: OpKind) -> bool {
    use OpKind::{Open, Qbuf, Reqbufs, SetFormat, Streamon};
    matches!(kind, Open | SetFormat | Reqbufs | Qbuf | Streamon)
}

fn weight(kind: OpKind) -> u32 {
    use OpKind::*;
    match kind {
        Open | SetFormat | Reqbufs | Qbuf | Dqbuf | Expbuf | Streamon | ExportSync => 10,
        GateOpen | Join | QueueRequest => 10,
        Streamoff | PollSync => 8,
        PollDmabuf | Advance | GateClose => 6,
        ImportSync | CpuSync | CloseSync | FileInfo | Check | Fail => 5,
        RemoveBufs | PrepareBuf | AllocRequest | PollRequest => 5,
        SetKnob | Merge | DecoderCmd | Chunks | Completion | Watchdog | SourceChange => 4,
        SwSync | Signal | Allocate => 4,
        CloseDmabuf | CreateBufs | PollFile => 3,
        DupDmabuf | DupSync | MmapFile | MmapDmabuf | Touch => 3,
        Querybuf | Subscribe | Dqevent | JobTime | ReinitRequest => 3,
        DupFile | Munmap | CloseFile | CloseRequest | SetDeadline => 2,
        // They fit only while nothing is open.
        Unload | Load => 6,
        SetControl => 4,
        GetControl => 2,
        TryControl | QueryControl | Ask | AskQueue => 1,
        Wrong | EncoderCmd | Unsubscribe => 3,
        GetFormat | TryFormat | Reload | FailNth => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::Seeded;

    #[test]
    fn a_campaign_s_temperament_leaves_no_operation_out() {
        let profile = Profile::of(Driver::VicodecEncoder);
        for seed in 0..50 {
            let tempered = profile.tempered(&mut Seeded::new(seed));
            for kind in OpKind::ALL {
                let (before, after) = (profile.weight(*kind), tempered.weight(*kind));
                assert_eq!(before == 0, after == 0, "{kind:?}");
            }
            assert!(!tempered.against(&profile).is_empty());
        }
        assert!(profile.against(&profile).is_empty());
    }
}
