//! `lab`: does this kernel's release-fence code keep its contract, whatever userspace does?

fn main() -> std::process::ExitCode {
    lab::cli::main()
}
