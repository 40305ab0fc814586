//! `lab clients`: GStreamer, FFmpeg and v4l2-ctl stream through the double, with the judge on the ledger.

mod list;
mod outcome;
mod sockets;

use std::{path::PathBuf, time::Duration};

use judge::Expectation;
use program::Driver;

use self::{
    list::{CLIENTS, Client},
    outcome::{Outcome, plain, verdict},
    sockets::Sockets,
};
use crate::{
    client::Copied,
    exit::{Exit, malformed},
    json,
    progress::Stage,
    rig::{self, Inside, RigArgs},
    setup::{
        Options,
        debian::{self, Debian},
    },
    target::uml::double::{Memory, Shape},
    theirs::Theirs,
};

/// Time of the guest beyond that of the frames.
const PATIENCE: Duration = Duration::from_secs(60);

/// Packages with the programs.
const PACKAGES: [&str; 5] = [
    debian::TOOLS,
    "ffmpeg",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-tools",
];

/// Arguments of `lab clients`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Run these clients only (--list shows them)
    #[arg(long = "client", value_name = "NAME", value_delimiter = ',')]
    pub clients: Vec<String>,
    /// List the clients, with what they run, and stop
    #[arg(long)]
    pub list: bool,
    /// Take the double's buffers from these memories only
    #[arg(
        long = "memory",
        value_name = "KIND",
        value_enum,
        value_delimiter = ','
    )]
    pub memories: Vec<Memory>,
    /// Stream so many frames
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(2..10_000))]
    pub frames: u32,
    /// Build this bug into the modules (`lab plants` lists them)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// Print everything that the clients print
    #[arg(long)]
    pub show: bool,
    /// Write the results to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const HELP: &str = "The clients come from packages of the machine's own release, or of a newer one if that does not know kernels of today \
(about 170 MB to download, 500 MB in the cache). Each is the first program of a fresh boot, on nodes with single-planar and then \
with multi-planar queues. It has to end well and with every frame, as many fences have to be attached as its buffers ask for, all \
of them have to be signalled and destroyed, and the judge must find nothing.\n\
\n\
What does not fit: v4l2-ctl has DMABUF for capture devices only (on a mem2mem one its own STREAMON fails), so that GStreamer \
covers it; nor does it start a stateful decoder without a bit stream of a known codec in a file. A USERPTR buffer has no dma-buf \
and therefore no fence, and dma-contig takes none that is not contiguous. GStreamer wakes its threads through a pair of sockets, \
which the guest's kernel does not have: a preloaded library of one function gives it a pipe. What H.264 frames hold is the \
double's own pattern, so that nothing but the double decodes them, and nothing parses them on the way.\n\
\n\
The exit code is 0 if every client did well, 10 if one did not, 14 if the kernel died or complained, else the class of the first \
violation.";

/// Runs all of it and prints the table.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let clients = chosen(&args)?;
    if args.list {
        clients.iter().for_each(|client| print!("{client}"));
        return Ok(Exit::HELD);
    }
    let memories = match args.memories.as_slice() {
        [] => Memory::ALL.to_vec(),
        chosen => chosen.to_vec(),
    };
    let sockets = Sockets::build()?;
    let mut inside = Inside::packages(options, &PACKAGES)?;
    inside.files = files(inside.debian.as_ref(), &sockets);
    let mut rig_args = RigArgs {
        plant: args.plant.clone(),
        ..RigArgs::default()
    };
    rig_args.settle(options)?;
    let prepared = rig::prepare(options, &rig_args)?;
    let mut stage = Stage::begin("clients", Some((clients.len() * memories.len() * 2) as u64));
    let mut outcomes = Vec::new();
    for memory in memories {
        for client in clients.iter().filter(|client| client.takes(memory)) {
            for mplane in [false, true] {
                // The nodes that the client needs, and no others, so that it finds the right ones by itself.
                rig_args.shape = Shape {
                    nodes: client.nodes(mplane),
                    memory: Some(memory),
                };
                let mut theirs = Theirs::on(&prepared, options, &rig_args, inside.clone(), &[])?;
                outcomes.push(play(&args, client, memory, mplane, &mut theirs, options)?);
                stage.step(client.name);
            }
        }
    }
    stage.done();
    print!("{}", plain(&outcomes));
    json::keep(args.json.as_deref(), &outcomes)?;
    Ok(verdict(&outcomes))
}

fn chosen(args: &Args) -> anyhow::Result<Vec<&'static Client>> {
    let known = |name: &String| CLIENTS.iter().any(|client| client.name == name);
    if let Some(unknown) = args.clients.iter().find(|name| !known(name)) {
        return Err(malformed(format!(
            "there is no client {unknown}: `lab clients --list` shows them"
        )));
    }
    let is_wanted = |client: &&Client| {
        args.clients.is_empty() || args.clients.iter().any(|name| name == client.name)
    };
    Ok(CLIENTS.iter().filter(is_wanted).collect())
}

/// What the clients need besides their packages: the plugins that are used, so that GStreamer looks at no other, and the
/// library that stands in for sockets.
fn files(debian: Option<&Debian>, sockets: &Sockets) -> Vec<Copied> {
    let plugins = debian.into_iter().flat_map(|debian| {
        let folder = debian.root().join(list::PLUGIN_FOLDER);
        list::PLUGINS.into_iter().map(move |name| {
            let file = format!("libgst{name}.so");
            (folder.join(&file), format!("/plugins/{file}").into())
        })
    });
    plugins
        .chain([(sockets.library(), list::SOCKETS.into())])
        .collect()
}

/// Runs the client's programs, one after the other, on a fresh boot.
fn play(
    args: &Args,
    client: &'static Client,
    memory: Memory,
    mplane: bool,
    theirs: &mut Theirs,
    options: &Options,
) -> anyhow::Result<Outcome> {
    theirs.boot()?;
    let node = theirs.node(&client.nodes(mplane)[0].device())?;
    let expectation = Expectation::of(Driver::Double, !options.vanilla);
    let limit = PATIENCE + Duration::from_secs(u64::from(args.frames / 10));
    let mut outcome = Outcome::new(client.name, memory.name(), mplane);
    for step in client.steps {
        let visit = theirs.visit(&step.words(args.frames, &node), limit, expectation)?;
        if args.show {
            print!("{}{}", visit.output, visit.errors);
        }
        let frames = step.frames(&visit.output) + step.frames(&visit.errors);
        outcome.add(frames, visit);
    }
    let fences = if options.vanilla { 0 } else { client.fences };
    outcome.conclude(u64::from(args.frames), fences);
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_chosen_by_name() {
        assert_eq!(chosen(&Args::default()).unwrap().len(), CLIENTS.len());
        let named = |name: &str| {
            chosen(&Args {
                clients: vec![name.to_owned()],
                ..Args::default()
            })
        };
        assert_eq!(named("gst-encode").unwrap()[0].name, "gst-encode");
        assert!(named("vlc").unwrap_err().to_string().contains("--list"));
    }
}
