//! What INFO shows per second: averages over the last samples.

use parking_lot::Mutex;

/// Samples over which a rate is averaged.
const SAMPLES: usize = 16;

/// Something that INFO shows per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    BytesIn,
    BytesOut,
    Calls,
    /// Turns of the event loops.
    Cycles,
    /// Microseconds that they were busy.
    BusyUs,
}

impl Rate {
    pub(super) const COUNT: usize = 5;
}

/// The last samples.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Samples>);

#[derive(Debug, Default)]
struct Samples {
    /// When (elapsed time) the last one was taken, and the counts then.
    last: Option<(u64, [u64; Rate::COUNT])>,
    per_second: [[f64; SAMPLES]; Rate::COUNT],
    next: usize,
}

impl Rates {
    /// Takes a sample: `counts` by [`Rate`], at `now_ns` of elapsed time.
    pub(super) fn sample(&self, now_ns: u64, counts: [u64; Rate::COUNT]) {
        let mut samples = self.0.lock();
        if let Some((last_ns, last)) = samples.last {
            let next = samples.next;
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let seconds = now_ns.saturating_sub(last_ns).max(1) as f64 / 1e9;
            for (rate, per_second) in samples.per_second.iter_mut().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let count = counts[rate].saturating_sub(last[rate]) as f64;
                per_second[next] = count / seconds;
            }
            samples.next = (next + 1) % SAMPLES;
        }
        samples.last = Some((now_ns, counts));
    }

    /// So many of these a second, over the last samples.
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    pub(super) fn per_second(&self, rate: Rate) -> f64 {
        self.0.lock().per_second[rate as usize].iter().sum::<f64>() / SAMPLES as f64
    }

    pub(super) fn reset(&self) {
        *self.0.lock() = Samples::default();
    }
}
