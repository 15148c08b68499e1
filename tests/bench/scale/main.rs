//! How many instances, STS calls, log lines and CNY a load needs, and which limit of the platform it meets first.
//!
//! Usage: `tests/bench/scale/run`. It prints the tables of `docs/scale.md`; every run prints the same.
#![expect(clippy::print_stdout, reason = "the tables are the product")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod model;
mod random;

use std::f64::consts::TAU;

use crate::model::{Keys, Platform, Report, Simulation};

const SEED: u64 = 20_261_130;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Bytes of log for one signature: two lines of the platform and one event, as measured.
const LOG_BYTES: f64 = 413.0;

/// How the rate changes around its mean.
#[derive(Clone, Copy)]
enum Shape {
    Steady,
    /// Ten times the rate in one minute of ten, little in the others.
    Bursts,
    /// From a fifth to nine fifths of the rate, and back, in a day.
    Day,
}

impl Shape {
    fn rates(self, mean: f64) -> Box<dyn Iterator<Item = Option<f64>>> {
        match self {
            Self::Steady => Box::new((0..HOUR).map(move |_| Some(mean))),
            Self::Bursts => Box::new((0..HOUR).map(move |second| {
                let is_burst = second % 600 >= 540;
                Some(if is_burst { mean * 5.5 } else { mean * 0.5 })
            })),
            Self::Day => Box::new((0..DAY).map(move |second| {
                let angle = TAU * second as f64 / DAY as f64;
                Some(mean * (1.0 - 0.8 * angle.cos()))
            })),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Bursts => "bursts",
            Self::Day => "a day",
        }
    }
}

/// CNY of a month that goes on like the report, by the price list of mainland China.
fn monthly_price(report: &Report, platform: Platform) -> f64 {
    // Compute units: for a vCPU second, a GB second of memory and of disk, and ten thousand calls.
    const MEMORY_GB: f64 = 0.125;
    const DISK_GB: f64 = 0.5;
    let per_second = platform.cpu + 0.15 * MEMORY_GB + 0.05 * DISK_GB;
    let months = 30.0 * DAY as f64 / report.seconds as f64;
    let units = (report.busy_seconds * per_second + report.calls as f64 * 75.0 / 1e4) * months;
    // The price of a unit falls with their number.
    let tiers = [(200e6, 0.000_11), (1e9, 0.000_10), (f64::INFINITY, 0.000_09)];
    let mut below = 0.0;
    let price = tiers.iter().map(|(end, price)| {
        let in_tier = (units.min(*end) - below).max(0.0);
        below = *end;
        in_tier * price
    });
    price.sum()
}

/// A number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn share(part: u64, whole: u64) -> String {
    match part {
        0 => "none".to_owned(),
        _ => format!("{:.2} %", 100.0 * part as f64 / whole as f64),
    }
}

async fn loads() {
    println!(
        "| signatures a second | load | instances | cold starts an hour | refused by the platform | store round trips a second | log a day | CNY a month |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for mean in [10.0, 1_000.0, 100_000.0] {
        for shape in [Shape::Steady, Shape::Bursts, Shape::Day] {
            let platform = Platform::DOCUMENTED;
            let simulation = Simulation::new(platform, Keys::Platform, SEED);
            let report = simulation.run(shape.rates(mean)).await;
            let hours = report.seconds as f64 / HOUR as f64;
            let rate = report.calls as f64 / report.seconds as f64;
            println!(
                "| {} | {} | {} | {} | {} | {} | {:.1} GB | {} |",
                grouped(mean),
                shape.name(),
                report.most_instances,
                grouped(report.cold_starts as f64 / hours),
                share(report.turned_away, report.calls),
                grouped(rate),
                rate * DAY as f64 * LOG_BYTES / 1e9,
                grouped(monthly_price(&report, platform)),
            );
        }
    }
}

/// A region that comes back after ten minutes, with three times the load for a minute, since every page tries again.
fn outage(mean: f64) -> impl Iterator<Item = Option<f64>> {
    (0..HOUR).map(move |second| match second {
        1_800..2_400 => None,
        2_400..2_460 => Some(3.0 * mean),
        _ => Some(mean),
    })
}

async fn keys() {
    println!(
        "\n| signatures a second | who signs | load | STS calls an hour | most in a second | throttled | calls without a key | key-set fetches an hour | most in a second |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let shared = |mean| (mean, Keys::SharedRole, "a shared role");
    let sessions = |mean, callers, who| (mean, Keys::SessionPerCaller(callers), who);
    for (mean, keys, who) in [
        shared(10.0),
        shared(1_000.0),
        shared(100_000.0),
        sessions(10.0, 1_000, "a session for each of 1,000 callers"),
        sessions(10.0, 100_000, "a session for each of 100,000 callers"),
        sessions(100.0, 10_000, "a session for each of 10,000 callers"),
    ] {
        for (load, rates) in [
            ("bursts", Shape::Bursts.rates(mean)),
            ("an outage", Box::new(outage(mean)) as Box<dyn Iterator<Item = _>>),
        ] {
            let report = Simulation::new(Platform::DOCUMENTED, keys, SEED).run(rates).await;
            println!(
                "| {} | {who} | {load} | {} | {} | {} | {} | {} | {} |",
                grouped(mean),
                grouped(report.sts_calls as f64),
                report.most_sts_calls_in_a_second,
                grouped(report.throttled_by_sts as f64),
                share(report.without_key, report.calls),
                grouped(report.key_set_fetches as f64),
                report.most_key_set_fetches_in_a_second,
            );
        }
    }
}

/// What each setting moves, at the largest load.
async fn settings() {
    println!(
        "\n| at 100,000 signatures a second, in bursts | instances | refused by the platform | CNY a month |"
    );
    println!("|---|---|---|---|");
    let documented = Platform::DOCUMENTED;
    for (name, platform) in [
        ("as in `s.yaml`", documented),
        ("`instanceConcurrency: 200`", Platform { concurrency: 200.0, ..documented }),
        ("`cpu: 0.35`", Platform { cpu: 0.35, ..documented }),
        ("`cpu: 1`", Platform { cpu: 1.0, ..documented }),
        ("100 instances in a region", Platform { max_instances: 100, ..documented }),
    ] {
        let simulation = Simulation::new(platform, Keys::Platform, SEED);
        let report = simulation.run(Shape::Bursts.rates(100_000.0)).await;
        println!(
            "| {name} | {} | {} | {} |",
            report.most_instances,
            share(report.turned_away, report.calls),
            grouped(monthly_price(&report, platform)),
        );
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    loads().await;
    keys().await;
    settings().await;
}
