# The two commands that matter: `just bench` measures and writes a report, `just test` checks the lab.

# List the recipes
default:
    @just --list

# Measure: the default run, or `just bench smoke`, `just bench --all`, `just bench --help`
bench *ARGS:
    cargo run --release --locked --package pushlab -- bench {{ARGS}}

# Measure other servers beside ours: installs missing ones, names those it cannot install, says how long it takes
peers *ARGS:
    cargo run --release --locked --package pushlab -- bench peers-wide peers-fast peers-polling peers-saturation peers-idle --install-targets {{ARGS}}

# Measure what the claims need, in one block, and write a page with the verdict on each; says how long it takes
claims *ARGS:
    cargo run --release --locked --package pushlab -- bench --claims all --blocks 1 {{ARGS}}

# Find Chromium and its driver for the scenarios with a real browser, or install them
setup-browser *ARGS:
    cargo run --release --locked --package pushlab -- setup-browser {{ARGS}}

# Predict a scenario's numbers without measuring
predict SCENARIO *ARGS:
    cargo run --release --locked --package pushlab -- predict {{SCENARIO}} {{ARGS}}

# Say which pattern suits your numbers: `just choose --rate 2 --subscribers 5000 --freshness 1s`, or `--help`
choose *ARGS:
    cargo run --release --locked --package pushlab -- choose {{ARGS}}

# Draw which pattern is cheapest at each event rate and each wanted age, as results/map.html or `--out FILE`
map *ARGS:
    cargo run --release --locked --package pushlab -- map {{ARGS}}

# Write a run's report again from its files: the newest run, or the folder given
report *DIR:
    cargo run --release --locked --package pushlab -- report {{DIR}}

# Show what changed between two runs, given by their folders
compare BEFORE AFTER *ARGS:
    cargo run --release --locked --package pushlab -- compare {{BEFORE}} {{AFTER}} {{ARGS}}

# Serve the four patterns, to try them with curl or a browser
serve *ARGS:
    cargo run --release --locked --package pushlab -- serve {{ARGS}}

# Check this machine: what it can measure, and what to do about the rest
doctor *ARGS:
    cargo run --release --locked --package pushlab -- doctor {{ARGS}}

# Relay to a server and simulate a network: `just middlebox --to 127.0.0.1:8080 --rtt 300ms`, or `--help`
middlebox *ARGS:
    cargo run --release --locked --package pushlab -- middlebox {{ARGS}}

# Most of a test that measures is waiting.
export RUST_TEST_THREADS := env("RUST_TEST_THREADS", shell('echo $(($1 + 1))', num_cpus()))

# Run every test; the last line names the tests that did not run, and why
test *ARGS:
    @mkdir -p target && : > target/did-not-run
    PUSHLAB_TEST_DID_NOT_RUN="$PWD/target/did-not-run" cargo test --workspace --locked {{ARGS}}
    @sort target/did-not-run | uniq -c | awk '{ $1 = $1; all = all gap $0; gap = ", " } END { print "tests that did not run: " (all ? all : "none") }'

# The checks besides the tests: format, lints, documentation
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# All checks that a change must pass
check: lint test

# Micro-benchmarks of the hot paths
bench-micro *ARGS:
    cargo bench --workspace --locked {{ARGS}}

# Measure the default run again and replace results/reference; take report.png, a screenshot of its top, by hand
reference:
    cargo run --release --locked --package pushlab -- bench --results target/reference
    rm -rf results/reference/figures results/reference/hdr
    mkdir -p results/reference
    cp -R target/reference/latest/. results/reference/
