//! Writes the stock ticks of `scenarios/stock-replay.toml` to stdout.

fn main() {
    print!("{}", schedule::stock_ticks_csv(1, 60.0));
}
