//! A campaign's numbers for Prometheus, over a small HTTP server.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use anyhow::Context;
use engine::Stats;

use super::desk::{Screen, Total};
use crate::lock::locked;

/// Longest that a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest request that is read.
const LONGEST: u64 = 8 << 10;

/// The server. It ends with the process.
#[derive(Debug)]
pub struct Metrics {
    text: Arc<Mutex<String>>,
    address: SocketAddr,
}

impl Metrics {
    /// Serves at an address, `127.0.0.1:9100`; port 0 takes a free one.
    pub fn serve(address: &str) -> anyhow::Result<Metrics> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot serve at {address}: name ADDRESS:PORT"))?;
        let address = listener.local_addr()?;
        let text = Arc::new(Mutex::new(text(&Total::default())));
        let shared = Arc::clone(&text);
        let serve = move || {
            for client in listener.incoming().flatten() {
                // A client that went away in between has no use for an answer.
                let _ = answer(client, &shared);
            }
        };
        thread::Builder::new().name("metrics".into()).spawn(serve)?;
        Ok(Metrics { text, address })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Screen for Metrics {
    fn show(&mut self, total: &Total) {
        *locked(&self.text) = text(total);
    }

    fn say(&mut self, _line: &str) {}
}

fn answer(client: TcpStream, text: &Mutex<String>) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new((&client).take(LONGEST));
    let mut first = String::new();
    request.read_line(&mut first)?;
    // The head has to be read, or the client may be cut off before it has the answer.
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let (status, body) = match first.split(' ').nth(1) {
        Some("/metrics" | "/") => {
            let text = locked(text);
            ("200 OK", text.clone())
        }
        _ => ("404 Not Found", "try /metrics\n".to_owned()),
    };
    write!(
        &client,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The numbers as Prometheus reads them.
fn text(total: &Total) -> String {
    let stats = &total.stats;
    let fences = &stats.fences;
    let numbers = [
        ("programs_total", "counter", stats.programs as f64),
        ("operations_total", "counter", stats.operations as f64),
        ("search_seconds_total", "counter", stats.seconds),
        ("triage_seconds_total", "counter", stats.triage_seconds),
        ("boots_total", "counter", stats.boots as f64),
        ("repeated_total", "counter", stats.repeated as f64),
        (
            "history_dependent_total",
            "counter",
            stats.history_dependent as f64,
        ),
        ("findings_total", "counter", total.found.len() as f64),
        ("fences_attached_total", "counter", fences.attached as f64),
        ("fences_signalled_total", "counter", fences.signalled as f64),
        ("fences_destroyed_total", "counter", fences.destroyed as f64),
        ("fences_pending", "gauge", fences.pending as f64),
        ("coverage_cells", "gauge", stats.coverage as f64),
        ("coverage_places", "gauge", total.places as f64),
        ("states", "gauge", total.states as f64),
        ("corpus_programs", "gauge", stats.corpus as f64),
    ];
    let mut text = String::new();
    for (name, kind, value) in numbers {
        let name = format!("vb2_fence_lab_{name}");
        // Writing to a string does not fail.
        let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
    }
    let name = "vb2_fence_lab_instance_programs_total";
    let _ = writeln!(text, "# TYPE {name} counter");
    for (instance, Stats { programs, .. }) in total.instances.iter().enumerate() {
        let _ = writeln!(text, "{name}{{instance=\"{}\"}} {programs}", instance + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn ran(programs: u64) -> Stats {
        Stats {
            programs,
            ..Stats::default()
        }
    }

    #[test]
    fn numbers_are_scraped() {
        let mut metrics = Metrics::serve("127.0.0.1:0").unwrap();
        let mut total = Total {
            instances: [3, 4].map(ran).into(),
            ..Total::default()
        };
        total.stats.programs = 7;
        metrics.show(&total);
        let answer = get(metrics.address(), "/metrics");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\nvb2_fence_lab_programs_total 7\n"),
            "{answer}"
        );
        assert!(answer.contains("instance_programs_total{instance=\"2\"} 4\n"));
        assert!(get(metrics.address(), "/etc/passwd").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn what_is_no_address_is_told() {
        let error = Metrics::serve("nowhere").unwrap_err().to_string();
        assert!(
            error.contains("nowhere") && error.contains("PORT"),
            "{error}"
        );
    }
}
