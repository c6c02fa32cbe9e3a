//! What is measured: messages and their latency, once the warm-up is over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// Longest latency that is told apart.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Counts for all connections of this process.
pub(crate) struct Figures {
    begin: Instant,
    /// Where the warm-up ends and where all ends, in nanoseconds since `begin`.
    from_ns: u64,
    pub(crate) end_ns: u64,
    requests: Cell<u64>,
    measured: Cell<u64>,
    latencies: RefCell<Histogram<u64>>,
}

impl Figures {
    pub(crate) fn start(measured: Duration) -> Rc<Self> {
        let from_ns = nanoseconds(measured / 5);
        let latencies = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("valid bounds");
        Rc::new(Self {
            begin: Instant::now(),
            from_ns,
            end_ns: from_ns + nanoseconds(measured),
            requests: Cell::new(0),
            measured: Cell::new(0),
            latencies: RefCell::new(latencies),
        })
    }

    /// The instant from which times are counted.
    pub(crate) fn begin(&self) -> Instant {
        self.begin
    }

    /// Nanoseconds since the start.
    pub(crate) fn now_ns(&self) -> u64 {
        nanoseconds(self.begin.elapsed())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.now_ns() >= self.end_ns
    }

    /// Messages that were sent at an instant are done now.
    pub(crate) fn note(&self, sent_ns: u64, messages: u64) {
        let now_ns = self.now_ns();
        self.requests.set(self.requests.get() + messages);
        if (self.from_ns..self.end_ns).contains(&now_ns) {
            self.measured.set(self.measured.get() + messages);
            let latency_ns = now_ns.saturating_sub(sent_ns);
            self.latencies.borrow_mut().saturating_record_n(latency_ns, messages);
        }
    }

    /// Waits until all is measured.
    pub(crate) async fn wait(&self) {
        tokio::time::sleep_until(self.begin + Duration::from_nanos(self.end_ns)).await;
    }

    /// One line of JSON.
    pub(crate) fn report(&self) -> String {
        let latencies = self.latencies.borrow();
        let seconds = Duration::from_nanos(self.end_ns - self.from_ns).as_secs_f64();
        let us = |quantile| {
            Duration::from_nanos(latencies.value_at_quantile(quantile)).as_secs_f64() * 1e6
        };
        let measured = u32::try_from(self.measured.get()).map_or(f64::INFINITY, f64::from);
        format!(
            "{{\"requests\": {}, \"per_second\": {:.1}, \"p50_us\": {:.1}, \"p99_us\": {:.1}, \
             \"p999_us\": {:.1}, \"max_us\": {:.1}}}",
            self.requests.get(),
            measured / seconds,
            us(0.5),
            us(0.99),
            us(0.999),
            us(1.0),
        )
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a run is shorter than centuries")
}
