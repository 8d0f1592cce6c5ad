//! Generates stock trades for the scenario with a replayed schedule.

use std::fmt::Write;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Normal};

/// Symbol, opening price, share of the trades.
const SYMBOLS: [(&str, f64, f64); 6] = [
    ("ACME", 101.20, 0.34),
    ("BOLT", 48.75, 0.24),
    ("CORD", 212.40, 0.16),
    ("DUNE", 9.86, 0.12),
    ("ECHO", 75.05, 0.09),
    ("FERN", 333.10, 0.05),
];

/// Mean trades per second in calm times, and just after news.
const CALM_HZ: f64 = 6.0;
const EXCITED_HZ: f64 = 40.0;
/// Mean seconds between two pieces of news, and the time constant (seconds) with which excitement decays.
const NEWS_EVERY_S: f64 = 7.0;
const EXCITEMENT_S: f64 = 0.8;

/// A CSV of trades, in the format of a replay. The trades are clustered in time as in real trading: after each
/// piece of news there is a burst that decays. The prices are random walks in whole cents.
///
/// The same seed gives the same file; the file under `scenarios/` has seed 1 and 60 seconds.
///
/// # Panics
/// Never: the parameters of the distributions are valid constants.
#[must_use]
pub fn stock_ticks_csv(seed: u64, seconds: f64) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let news = Exp::new(1.0 / NEWS_EVERY_S).expect("a positive rate");
    let candidate = Exp::new(EXCITED_HZ).expect("a positive rate");
    let step = Normal::new(0.0, 0.0004).expect("a positive deviation");
    let mut prices = SYMBOLS.map(|(_, price, _)| price);
    let mut csv = String::from("offset_ms,type,data\n");
    let (mut now_s, mut last_news_s, mut next_news_s) = (0.0, f64::NEG_INFINITY, news.sample(&mut random));
    loop {
        // Thinning (Lewis and Shedler 1979): candidates at the highest rate, each kept with the probability
        // (current rate ÷ highest rate).
        now_s += candidate.sample(&mut random);
        if now_s >= seconds {
            return csv;
        }
        if now_s >= next_news_s {
            last_news_s = now_s;
            next_news_s = now_s + news.sample(&mut random);
        }
        let excitement = (-(now_s - last_news_s) / EXCITEMENT_S).exp();
        let rate_hz = CALM_HZ + (EXCITED_HZ - CALM_HZ) * excitement;
        if random.random::<f64>() * EXCITED_HZ > rate_hz {
            continue;
        }
        let symbol = draw_symbol(random.random());
        prices[symbol] *= 1.0 + step.sample(&mut random) * (1.0 + 4.0 * excitement);
        let shares = 100 * random.random_range(1..=20);
        writeln!(csv, "{:.1},trade,{} {:.2} {shares}", now_s * 1e3, SYMBOLS[symbol].0, prices[symbol])
            .expect("writing to a string cannot fail");
    }
}

fn draw_symbol(mut share: f64) -> usize {
    for (index, (_, _, weight)) in SYMBOLS.iter().enumerate() {
        if share < *weight {
            return index;
        }
        share -= weight;
    }
    SYMBOLS.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_what_the_generator_makes() {
        let shipped = include_str!("../../../scenarios/stock-ticks.csv");
        assert!(
            shipped == stock_ticks_csv(1, 60.0),
            "make it again: cargo run -p schedule --example stock-ticks > scenarios/stock-ticks.csv"
        );
    }

    #[test]
    fn trading_is_clustered() {
        let csv = stock_ticks_csv(1, 60.0);
        let mut per_second = [0_u32; 60];
        for line in csv.lines().skip(1) {
            let offset: f64 = line.split(',').next().unwrap().parse().unwrap();
            per_second[(offset / 1e3) as usize] += 1;
        }
        let mean = f64::from(per_second.iter().sum::<u32>()) / 60.0;
        let busiest = f64::from(*per_second.iter().max().unwrap());
        assert!(mean > 4.0 && busiest > 2.0 * mean, "mean {mean}, busiest {busiest}");
    }
}
