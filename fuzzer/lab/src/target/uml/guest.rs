//! The private folder that a guest lives in: its kernel, its root, its console's log.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};

use super::{UmlOptions, host};
use crate::{
    interrupt::Scrap,
    setup::{
        Prepared, cache,
        modules::{LOAD_ORDER, Modules},
    },
};

/// How the folders are called.
const PREFIX: &str = "vb2-fence-lab-";

/// In each folder, the file that is locked as long as its lab lives.
const ALIVE: &str = "alive";

/// A folder that is younger may belong to a lab that has not locked it yet.
const YOUNG: Duration = Duration::from_secs(60);

/// What is in the folder: the guest's root, and a place for the kernel's own files.
const FOLDERS: [&str; 7] = [
    "root/dev",
    "root/proc",
    "root/sys",
    "root/tmp",
    "root/modules",
    "root/debian",
    "run",
];

/// The folder. It is removed when this is dropped, and when a signal ends the lab.
#[derive(Debug)]
pub struct Guest {
    folder: Scrap,
    _alive: File,
}

impl Guest {
    /// Makes the folder and fills the root. The user that the guest runs as can read all and write `run` alone.
    pub fn make(
        prepared: &Prepared,
        modules: &Modules,
        options: &UmlOptions,
    ) -> anyhow::Result<Guest> {
        let guest = Guest::empty()?;
        if let Some(user) = host::identity() {
            chown(guest.path("run"), Some(user), Some(user))?;
        }
        install(&prepared.kernel.program(), &guest.kernel())?;
        install(&prepared.agent, &guest.path("root/init"))?;
        for module in modules.files()? {
            let place = guest.path("root/modules").join(cache::name(&module));
            install(&module, &place)?;
        }
        let list = load_list(options, prepared.kernel.vanilla);
        fs::write(guest.path("root/modules/load.txt"), list)?;
        Ok(guest)
    }

    /// Puts program files into the root.
    pub fn add(&self, files: &[(PathBuf, PathBuf)]) -> anyhow::Result<()> {
        for (from, to) in files {
            let place = self.root().join(inside(to)?);
            ensure!(
                !place.exists(),
                "{} is in the guest already: name another place",
                to.display()
            );
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            }
            install(from, &place)?;
        }
        Ok(())
    }

    fn empty() -> anyhow::Result<Guest> {
        sweep(&std::env::temp_dir());
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir()
            .context("the guest's folder")?;
        let folder = Scrap::take(folder.keep());
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let alive = File::create(folder.path().join(ALIVE)).context("the guest's folder")?;
        alive.lock().context("the guest's folder")?;
        for sub in FOLDERS {
            fs::create_dir_all(folder.path().join(sub)).context("the guest's folder")?;
        }
        Ok(Guest {
            folder,
            _alive: alive,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The kernel's program. The cache may be inside a home folder that the guest's user cannot enter.
    pub fn kernel(&self) -> PathBuf {
        self.path("linux")
    }

    /// The guest's root.
    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Where the kernel may put files of its own.
    pub fn run(&self) -> PathBuf {
        self.path("run")
    }

    /// What the console of the present or last boot said.
    pub fn console(&self) -> PathBuf {
        self.path("console.log")
    }

    /// An empty file for the console of the next boot.
    pub fn renew_console(&self) -> anyhow::Result<()> {
        let console = self.console();
        File::create(&console)
            .map(drop)
            .with_context(|| console.display().to_string())
    }

    /// Copies what the console said to `folder`, as the log of boot number `boot`.
    pub fn keep_console(&self, folder: &Path, boot: u64) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let kept = folder.join(format!("boot-{boot}.log"));
        fs::copy(self.console(), &kept)
            .map(drop)
            .with_context(|| kept.display().to_string())
    }
}

/// Removes the folders of labs that were killed. What cannot be removed is another user's.
fn sweep(temporary: &Path) {
    let folders = cache::entries(temporary).unwrap_or_default().into_iter();
    for folder in folders.filter(|folder| cache::name(folder).starts_with(PREFIX)) {
        if is_deserted(&folder).unwrap_or(false) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn is_deserted(folder: &Path) -> anyhow::Result<bool> {
    let alive = File::open(folder.join(ALIVE))?;
    let age = alive.metadata()?.modified()?.elapsed().unwrap_or_default();
    Ok(age > YOUNG && cache::try_lock(&alive)?)
}

/// The path below the root of a path of the guest.
fn inside(path: &Path) -> anyhow::Result<PathBuf> {
    let inner = path.strip_prefix("/").unwrap_or(path);
    let plain = |part: Component| matches!(part, Component::Normal(_));
    ensure!(
        inner.components().next().is_some() && inner.components().all(plain),
        "{} is no place for a file in the guest",
        path.display()
    );
    // The agent mounts something over these.
    let hidden = ["dev", "proc", "sys", "tmp", "debian"];
    ensure!(
        !hidden.iter().any(|folder| inner.starts_with(folder)),
        "{} would be hidden in the guest by a file system that it mounts there: name another place",
        path.display()
    );
    Ok(inner.to_owned())
}

fn install(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(fs::set_permissions(to, Permissions::from_mode(0o755))?)
}

/// What the agent loads, a line a module, in order.
fn load_list(options: &UmlOptions, vanilla: bool) -> String {
    let wanted = |module: &&str| match *module {
        "fence_ledger" => options.ledger,
        "call_timer" => options.call_timer,
        _ => true,
    };
    let line = |module: &str| format!("{module}.ko{}\n", parameters(module, options, vanilla));
    LOAD_ORDER.into_iter().filter(wanted).map(line).collect()
}

/// The parameters of a module, each with a space before it. Without a helper only the double knows where to attach: nowhere.
fn parameters(module: &str, options: &UmlOptions, vanilla: bool) -> String {
    let attach = match (module, vanilla) {
        ("vb2_double", _) | ("vim2m" | "vicodec", false) => {
            format!(" attach={}", options.attach.name())
        }
        _ => String::new(),
    };
    let own = match module {
        "vicodec" => format!(" job_ms={}", options.vicodec_job_ms),
        "vb2_double" => options.shape.parameters(),
        _ => String::new(),
    };
    attach + &own
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{
        super::{
            Attach,
            double::{Memory, Node, Shape},
        },
        *,
    };

    #[test]
    fn only_deserted_folders_are_swept() {
        let temporary = tempfile::tempdir().unwrap();
        let make = |name: &str, age: Duration| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            let alive = File::create(folder.join(ALIVE)).unwrap();
            alive.set_modified(SystemTime::now() - age).unwrap();
            alive
        };
        let old = YOUNG * 2;
        let lived_in = make("vb2-fence-lab-a", old);
        lived_in.lock().unwrap();
        drop(make("vb2-fence-lab-b", old));
        drop(make("vb2-fence-lab-c", Duration::ZERO));
        drop(make("another-program-d", old));
        sweep(temporary.path());
        let left = cache::entries(temporary.path()).unwrap();
        let left: Vec<_> = left.iter().map(|path| cache::name(path)).collect();
        assert_eq!(
            left,
            ["another-program-d", "vb2-fence-lab-a", "vb2-fence-lab-c"]
        );
    }

    #[test]
    fn files_stay_inside_the_root_and_where_the_guest_sees_them() {
        assert_eq!(inside(Path::new("/bin/x")).unwrap(), Path::new("bin/x"));
        assert_eq!(inside(Path::new("x")).unwrap(), Path::new("x"));
        for wrong in ["/", "", "/bin/../../x", "../x", "/tmp/x", "/dev/x"] {
            assert!(inside(Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn drivers_are_loaded_with_their_attach_point() {
        let options = UmlOptions {
            attach: Attach::BufQueue,
            ..UmlOptions::default()
        };
        let list = load_list(&options, false);
        assert!(list.starts_with("videobuf2-common.ko\n"));
        assert!(list.contains("\nvb2_double.ko attach=buf_queue nodes=decoder,encoder,"));
        assert!(list.contains("\nvicodec.ko attach=buf_queue job_ms=5\n"));
        assert_eq!(list.lines().count(), LOAD_ORDER.len() - 1);
    }

    #[test]
    fn the_double_alone_is_told_its_nodes_and_memory() {
        let options = UmlOptions {
            shape: Shape::of(Node::M2mMplane, Memory::DmaSg),
            ..UmlOptions::default()
        };
        let list = load_list(&options, false);
        assert!(
            list.contains("\nvb2_double.ko attach=device_run nodes=m2m-mplane memory=dma-sg\n")
        );
        assert_eq!(list.matches("nodes=").count(), 1);
    }

    #[test]
    fn a_vanilla_driver_is_not_asked_for_what_it_does_not_know() {
        let options = UmlOptions {
            attach: Attach::None,
            ledger: false,
            call_timer: true,
            ..UmlOptions::default()
        };
        let list = load_list(&options, true);
        assert!(list.contains("\nvb2_double.ko attach=none nodes=decoder,encoder,"));
        assert!(list.contains("\nvim2m.ko\n") && list.contains("\nvicodec.ko job_ms=5\n"));
        assert!(!list.contains("fence_ledger") && list.contains("\ncall_timer.ko\n"));
    }
}
