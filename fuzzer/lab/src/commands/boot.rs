//! `lab boot`: boots once.

use std::time::Instant;

use engine::Target;

use crate::{
    exit::Exit,
    plants,
    rig::RigArgs,
    setup::{self, Options, config::Config},
    target::uml::{Attach, Time, Uml, UmlOptions, double::Shape, log},
};

/// Arguments of `lab boot`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print everything that the kernel's console said
    #[arg(long)]
    pub log: bool,
    /// Boot with this planted bug (see `lab plants`)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// When the drivers attach release fences [default: device-run; none with --vanilla]
    #[arg(long, value_enum)]
    pub attach: Option<Attach>,
    /// Nodes and memory of the double
    #[command(flatten)]
    pub shape: Shape,
    /// Boot a kernel that is configured like this
    #[arg(long, value_enum, default_value_t)]
    pub config: Config,
    /// What the guest's clock shows
    #[arg(long, value_enum, default_value_t)]
    pub time: Time,
    /// Boot with kmemleak, the leak detector, switched on
    #[arg(long)]
    pub kmemleak: bool,
    /// Pin guest and host thread to this core [default: the first that no other lab uses]
    #[arg(long, value_name = "N")]
    pub core: Option<usize>,
}

/// Boots, says what the agent said, powers off.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    // A wrong name is told before anything is built.
    args.plant.as_deref().map(plants::load).transpose()?;
    let mut rig = RigArgs {
        attach: args.attach,
        plant: args.plant.clone(),
        shape: args.shape.clone(),
        ..RigArgs::default()
    };
    rig.settle(options)?;
    let prepared = setup::prepare(&Options {
        config: args.config,
        ..options.clone()
    })?;
    let Args {
        log: show,
        plant,
        time,
        kmemleak,
        core,
        ..
    } = args;
    let options = UmlOptions {
        plant,
        attach: rig.attach(),
        shape: rig.shape,
        time,
        kmemleak,
        core,
        verbose: show,
        ..UmlOptions::default()
    };
    let mut target = Uml::new(&prepared, options)?;
    let result = up_and_down(&mut target);
    let console = target.console();
    if show {
        console.iter().for_each(|line| println!("{line}"));
    }
    result?;
    let complaints = log::complaints(&console);
    if complaints.is_empty() {
        return Ok(Exit::HELD);
    }
    println!("the kernel complained:\n  {}", complaints.join("\n  "));
    Ok(Exit::SPLAT)
}

fn up_and_down(target: &mut Uml) -> anyhow::Result<()> {
    let started = Instant::now();
    let hello = target.boot()?;
    let booted = started.elapsed().as_secs_f32();
    println!(
        "booted in {booted:.2} s on core {}: Linux {}, {}",
        target.core(),
        hello.kernel,
        hello.features.join(", ")
    );
    let down = target.power_off()?.as_secs_f32();
    println!("modules unloaded and powered off in {down:.2} s");
    Ok(())
}
