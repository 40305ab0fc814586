//! The clients: what each runs, on which nodes, and what has to come of it.

use std::fmt;

use crate::target::uml::double::{Memory, Node};

/// Where GStreamer's packages put plugins, below the release's root.
pub(super) const PLUGIN_FOLDER: &str = "usr/lib/x86_64-linux-gnu/gstreamer-1.0";

/// The plugins that the pipelines use.
pub(super) const PLUGINS: [&str; 4] = [
    "coreelements",
    "videoconvertscale",
    "videotestsrc",
    "video4linux2",
];

/// Where the guest has the library that stands in for sockets.
pub(super) const SOCKETS: &str = "/lib/socketpair.so";

/// GStreamer looks at the plugins of the pipelines alone, in one process, and writes to /tmp. The guest's own root is /lab there.
const GST: &str = "LD_PRELOAD=/lab/lib/socketpair.so GST_PLUGIN_SYSTEM_PATH_1_0=/lab/plugins GST_REGISTRY=/tmp/registry \
    GST_REGISTRY_FORK=no gst-launch-1.0 -v videotestsrc num-buffers={frames} ! \
    video/x-raw,format=GRAY8,width=320,height=240,colorimetry=bt709 !";

/// FFmpeg asks every node for what it can do, and takes the first that fits.
const FFMPEG: &str = "ffmpeg -hide_banner -nostdin -loglevel warning";

/// v4l2-ctl tells every buffer that it dequeues.
const CTL: &str = "v4l2-ctl --verbose --stream-count={frames} -d {node}";

/// A program, and how it tells the frames that it got.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A pipeline from a source of frames to a sink that tells of each.
    Gst(&'static str),
    /// Whose frames do not count: the next step's do.
    Before(&'static str),
    /// FFmpeg with a line for each frame.
    Ffmpeg(&'static str),
    Ctl(&'static str),
}

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: &'static str,
    nodes: &'static [Node],
    /// Fences that each frame has to have on its way, at least.
    pub(super) fences: u64,
    /// It has USERPTR buffers, which have no fence.
    pub(super) userptr: bool,
    pub(super) steps: &'static [Step],
}

/// All of them. The first node is the one that v4l2-ctl is told.
pub(super) const CLIENTS: [Client; 11] = [
    Client {
        name: "gst-encode",
        nodes: &[Node::Encoder],
        fences: 2,
        userptr: false,
        steps: &[Step::Gst("v4l2h264enc capture-io-mode=dmabuf")],
    },
    Client {
        name: "gst-decode",
        nodes: &[Node::Decoder, Node::Encoder],
        fences: 4,
        userptr: false,
        steps: &[Step::Gst(
            "v4l2h264enc ! v4l2h264dec capture-io-mode=dmabuf",
        )],
    },
    Client {
        name: "gst-convert",
        nodes: &[Node::M2m],
        fences: 2,
        userptr: false,
        steps: &[Step::Gst(
            "v4l2convert disable-passthrough=true capture-io-mode=dmabuf",
        )],
    },
    Client {
        name: "gst-convert-to-encode",
        nodes: &[Node::M2m, Node::Encoder],
        fences: 4,
        userptr: false,
        steps: &[Step::Gst(
            "v4l2convert disable-passthrough=true capture-io-mode=dmabuf ! v4l2h264enc output-io-mode=dmabuf-import",
        )],
    },
    Client {
        name: "gst-decode-to-convert",
        nodes: &[Node::Decoder, Node::Encoder, Node::M2m],
        fences: 6,
        userptr: false,
        steps: &[Step::Gst(
            "v4l2h264enc ! v4l2h264dec capture-io-mode=dmabuf ! \
             v4l2convert disable-passthrough=true output-io-mode=dmabuf-import capture-io-mode=mmap",
        )],
    },
    Client {
        name: "gst-convert-userptr",
        nodes: &[Node::M2m],
        fences: 1,
        userptr: true,
        steps: &[Step::Gst(
            "v4l2convert disable-passthrough=true output-io-mode=userptr capture-io-mode=dmabuf",
        )],
    },
    Client {
        name: "ffmpeg-encode",
        nodes: &[Node::Encoder],
        fences: 2,
        userptr: false,
        steps: &[Step::Ffmpeg(
            "-f lavfi -i testsrc=size=320x240:rate=30 -frames:v {frames} -pix_fmt nv12 -c:v h264_v4l2m2m -f framecrc -",
        )],
    },
    Client {
        name: "ffmpeg-decode",
        nodes: &[Node::Decoder, Node::Encoder],
        fences: 4,
        userptr: false,
        steps: &[
            Step::Before(
                "-f lavfi -i testsrc=size=320x240:rate=30 -frames:v {frames} -pix_fmt nv12 -c:v h264_v4l2m2m -y /tmp/frames.nut",
            ),
            Step::Ffmpeg(
                "-c:v h264_v4l2m2m -i /tmp/frames.nut -fps_mode passthrough -f framecrc -",
            ),
        ],
    },
    Client {
        name: "v4l2-ctl-convert",
        nodes: &[Node::M2m],
        fences: 2,
        userptr: false,
        steps: &[Step::Ctl("--stream-out-mmap --stream-mmap")],
    },
    Client {
        name: "v4l2-ctl-encode",
        nodes: &[Node::Encoder],
        fences: 2,
        userptr: false,
        steps: &[Step::Ctl("--stream-out-mmap --stream-mmap")],
    },
    Client {
        name: "v4l2-ctl-userptr",
        nodes: &[Node::M2m],
        fences: 0,
        userptr: true,
        steps: &[Step::Ctl("--stream-out-user --stream-user")],
    },
];

impl Client {
    /// The nodes that it needs, with single- or with multi-planar queues.
    pub(super) fn nodes(&self, mplane: bool) -> Vec<Node> {
        let node = |node: &Node| match mplane {
            true => node.mplane(),
            false => *node,
        };
        self.nodes.iter().map(node).collect()
    }

    /// Whether it can stream from this memory.
    pub(super) fn takes(&self, memory: Memory) -> bool {
        !(self.userptr && memory == Memory::DmaContig)
    }
}

impl Step {
    /// The words of its command line.
    pub(super) fn words(self, frames: u32, node: &str) -> Vec<String> {
        let line = self
            .line()
            .replace("{frames}", &frames.to_string())
            .replace("{node}", node);
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn line(self) -> String {
        match self {
            Step::Gst(pipeline) => format!("{GST} {pipeline} ! fakesink silent=false"),
            Step::Before(words) | Step::Ffmpeg(words) => format!("{FFMPEG} {words}"),
            Step::Ctl(words) => format!("{CTL} {words}"),
        }
    }

    /// Counts the frames in what it printed.
    pub(super) fn frames(self, output: &str) -> u64 {
        let is_frame = |line: &&str| match self {
            Step::Gst(_) => line.contains("fakesink0: last-message = chain "),
            Step::Before(_) => false,
            Step::Ffmpeg(_) => line.starts_with("0,"),
            Step::Ctl(_) => line.contains("cap dqbuf:"),
        };
        output.lines().filter(is_frame).count() as u64
    }
}

/// As `--list` shows it.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        let mut steps = self.steps.iter();
        steps.try_for_each(|step| writeln!(f, "    {}", step.line()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn clients_have_names_of_their_own() {
        let names: BTreeSet<_> = CLIENTS.iter().map(|client| client.name).collect();
        assert_eq!(names.len(), CLIENTS.len());
    }

    #[test]
    fn a_line_is_filled_in() {
        let words = Step::Ctl("--stream-mmap").words(7, "/dev/video3").join(" ");
        assert!(words.contains("--stream-count=7 -d /dev/video3"), "{words}");
        for step in CLIENTS.iter().flat_map(|client| client.steps) {
            let words = step.words(300, "/dev/video0").join(" ");
            assert!(words.contains("300") || words.contains("/tmp/"), "{words}");
            assert!(!words.contains('{'), "{words}");
        }
    }

    #[test]
    fn each_program_s_frames_are_counted() {
        let gst = "x0: last-message = event   ***\n/y:fakesink0: last-message = chain   *** (76800 bytes\n";
        assert_eq!(Step::Gst("").frames(gst), 1);
        let ffmpeg = "#tb 0: 1/30\n0,          0,          0,        1,      832, 0x3e7f94de\n";
        assert_eq!(Step::Ffmpeg("").frames(ffmpeg), 1);
        assert_eq!(Step::Before("").frames(ffmpeg), 0);
        let ctl = "cap dqbuf: 3 seq: 299\nout dqbuf: 0 seq: 300\n";
        assert_eq!(Step::Ctl("").frames(ctl), 1);
    }

    #[test]
    fn every_node_has_a_multi_planar_form() {
        for client in &CLIENTS {
            let (single, multi) = (client.nodes(false), client.nodes(true));
            assert!(single.iter().zip(&multi).all(|(one, other)| one != other));
        }
    }
}
