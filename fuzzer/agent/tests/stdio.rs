//! The agent over standard input and output, on a machine that need not have a device under test.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use program::Program;
use trace::wire::{Ended, Executed, FrameReader, Hello, Reply, Report, Request, VERSION, encode};
use trace::{Call, Event, Mark};

/// `EBADF`
const BAD_DESCRIPTOR: i32 = 9;
/// `ENODEV`
const NO_DEVICE: i32 = 19;
/// `EBUSY`
const BUSY: i32 = 16;

struct Agent {
    process: Child,
    reader: FrameReader,
}

impl Agent {
    fn start() -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_agent"))
            .args(["--stdio", "--driver", "no such driver"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        Self {
            process,
            reader: FrameReader::new(),
        }
    }

    fn receive<T: serde::de::DeserializeOwned>(&mut self) -> T {
        loop {
            if let Some(message) = self.reader.next_message().expect("a message") {
                return message;
            }
            let mut bytes = [0; 4096];
            let output = self.process.stdout.as_mut().expect("piped");
            let count = output.read(&mut bytes).expect("readable");
            assert_ne!(count, 0, "the agent ended");
            self.reader.push(&bytes[..count]);
        }
    }

    fn send(&mut self, request: &Request) {
        let frame = encode(request).expect("encodable");
        self.process
            .stdin
            .as_mut()
            .expect("piped")
            .write_all(&frame)
            .expect("writable");
    }

    fn run(&mut self, text: &str) -> Report {
        let program: Program = text.parse().expect("a program");
        self.send(&Request::Run {
            program,
            coverage: false,
        });
        match self.receive() {
            Reply::Ran(report) => *report,
            other => panic!("{other:?}"),
        }
    }
}

impl Agent {
    fn exec(&mut self, script: &str, limit_ms: u32) -> Executed {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).into();
        self.send(&Request::Exec { argv, limit_ms });
        match self.receive() {
            Reply::Executed(executed) => *executed,
            other => panic!("{other:?}"),
        }
    }
}

fn calls(report: &Report) -> Vec<&Call> {
    fn call(event: &Event) -> Option<&Call> {
        match event {
            Event::Call(call) => Some(call),
            _ => None,
        }
    }
    report.trace.events.iter().filter_map(call).collect()
}

#[test]
fn a_session_from_greeting_to_goodbye() {
    let mut agent = Agent::start();
    let hello: Hello = agent.receive();
    assert_eq!(hello.version, VERSION);
    assert!(!hello.features.contains(&"double".to_owned()));

    let report =
        agent.run("a = open double\ngate a close\npoll s0 1ms\nd0 = expbuf a cap 0\nadvance 1ms\n");
    let errors: Vec<_> = calls(&report)
        .iter()
        .map(|call| call.result.clone().err())
        .collect();
    let bad = Some(BAD_DESCRIPTOR);
    assert_eq!(errors, [Some(NO_DEVICE), bad, bad, bad, None]);

    agent.send(&Request::PowerOff);
    assert!(agent.process.wait().expect("it ends").success());
}

#[test]
fn all_stages_are_marked_in_order() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    let report = agent.run("advance 2ms\n");
    let mark = |event: &Event| match event {
        Event::Mark { mark, .. } => Some(*mark),
        _ => None,
    };
    let marks: Vec<Mark> = report.trace.events.iter().filter_map(mark).collect();
    assert_eq!(
        marks,
        [
            Mark::ProgramEnd,
            Mark::Quiet,
            Mark::VideoClosed,
            Mark::AllClosed
        ]
    );
    let call = calls(&report)[0];
    assert!(call.end - call.start >= 2_000_000, "{call:?}");
}

#[test]
fn asynchronous_operations_begin_and_return() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    let report = agent.run("async streamoff a cap\njoin\n");
    assert!(
        report
            .trace
            .events
            .iter()
            .any(|event| matches!(event, Event::Begin { op: 0, .. }))
    );
    let calls = calls(&report);
    assert_eq!(calls.len(), 2);
    let streamoff = calls.iter().find(|call| call.op == 0).expect("returned");
    assert!(matches!(streamoff.result, Err(BAD_DESCRIPTOR | BUSY)));
}

#[test]
fn a_loop_counts_its_system_calls() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    let program: Program = "streamon a out\nstreamon a cap\n"
        .parse()
        .expect("a program");
    agent.send(&Request::Loop { program, times: 10 });
    let reply: Reply = agent.receive();
    assert_eq!(reply, Reply::Looped { calls: 2 });
}

#[test]
fn the_host_s_end_is_the_agent_s_end() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    drop(agent.process.stdin.take());
    assert!(agent.process.wait().expect("it ends").success());
}

#[test]
fn a_program_file_runs_and_what_it_left_behind_dies_with_it() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    let executed = agent.exec("echo said; sleep 1000 & exit 3", 10_000);
    assert_eq!(executed.end, Ended::Exited(3));
    assert_eq!(executed.output, b"said\n");
    let marks: Vec<&Event> = executed.trace.events.iter().collect();
    let closed =
        |event: &&Event| matches!(event, Event::Mark { mark, .. } if *mark == Mark::AllClosed);
    assert_eq!(marks.iter().filter(|event| closed(event)).count(), 1);
}

#[test]
fn a_program_file_is_killed_when_its_time_is_over() {
    let mut agent = Agent::start();
    let _: Hello = agent.receive();
    let executed = agent.exec("echo said; sleep 1000", 100);
    assert_eq!(executed.end, Ended::TimedOut);
    assert_eq!(executed.output, b"said\n");
    let argv = vec!["/no/such/file".to_owned()];
    agent.send(&Request::Exec { argv, limit_ms: 1 });
    match agent.receive() {
        Reply::Executed(executed) => assert_eq!(executed.end, Ended::NotStarted(2)),
        other => panic!("{other:?}"),
    }
}
