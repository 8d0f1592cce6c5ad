# The two commands that matter: `just bench` measures and writes a report, `just test` checks the lab.

# List the recipes
default:
    @just --list

# Measure: the default run, or `just bench smoke`, `just bench --all`, `just bench --help`
bench *ARGS:
    cargo run --release --locked --package pushlab -- bench {{ARGS}}

# Measure servers of other makes beside ours: installs what is missing, says what it cannot, and how long it takes
peers *ARGS:
    cargo run --release --locked --package pushlab -- bench peers-wide peers-fast peers-polling peers-saturation peers-idle --install-targets {{ARGS}}

# Find Chromium and its driver for the scenarios with a real browser, or install them
setup-browser *ARGS:
    cargo run --release --locked --package pushlab -- setup-browser {{ARGS}}

# Predict a scenario's numbers without measuring
predict SCENARIO *ARGS:
    cargo run --release --locked --package pushlab -- predict {{SCENARIO}} {{ARGS}}

# Make a run's report again from its files: the newest run, or the folder given
report *DIR:
    cargo run --release --locked --package pushlab -- report {{DIR}}

# Tell what changed between two runs, by their folders
compare BEFORE AFTER *ARGS:
    cargo run --release --locked --package pushlab -- compare {{BEFORE}} {{AFTER}} {{ARGS}}

# Serve the four patterns, to try them with curl or a browser
serve *ARGS:
    cargo run --release --locked --package pushlab -- serve {{ARGS}}

# Look at this machine: what it can measure, and what to do about the rest
doctor *ARGS:
    cargo run --release --locked --package pushlab -- doctor {{ARGS}}

# Relay to a server with a network in between: `just middlebox --to 127.0.0.1:8080 --rtt 300ms`, or `--help`
middlebox *ARGS:
    cargo run --release --locked --package pushlab -- middlebox {{ARGS}}

# Run every test; the last line names those that did not run, and why
test *ARGS:
    @mkdir -p target && : > target/did-not-run
    PUSHLAB_TEST_DID_NOT_RUN="$PWD/target/did-not-run" cargo test --workspace --locked {{ARGS}}
    @sort target/did-not-run | uniq -c | awk '{ $1 = $1; all = all gap $0; gap = ", " } END { print "tests that did not run: " (all ? all : "none") }'

# What must hold besides the tests: form, lints, documentation
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Everything that must hold before a change lands
check: lint test

# Micro-benchmarks of the hot paths
bench-micro *ARGS:
    cargo bench --workspace --locked {{ARGS}}

# Measure the default run again and replace results/reference; report.png, a screenshot of its top, is taken by hand
reference:
    cargo run --release --locked --package pushlab -- bench --results target/reference
    rm -rf results/reference/figures results/reference/hdr
    mkdir -p results/reference
    cp -R target/reference/latest/. results/reference/
