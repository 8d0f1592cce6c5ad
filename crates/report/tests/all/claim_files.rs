//! The file of claims: what is refused, and the exact words.

use contract::{Network, Pattern, Period, Scenario, Sweep, Transport};
use report::{Claim, ClaimError, check_claims, read_claims};

use crate::synthetic::scenario;

const FILE: &str = "scenarios/claims.toml";

/// An entry with these lines after its id.
fn entry(id: &str, lines: &str) -> String {
    format!("[[claim]]\nid = \"{id}\"\nclaim = \"It is so.\"\n{lines}\n")
}

const SENTENCES: &str = "holds = \"Yes.\"\ndepends = \"Now and then.\"\nwrong = \"No.\"";

fn with_condition(condition: &str) -> String {
    entry("K01", &format!("conditions = ['{condition}']\n{SENTENCES}"))
}

/// Scenarios that sweep a period, a network, a transport and nothing.
fn scenarios() -> Vec<Scenario> {
    let mut interval = scenario("poll-interval", "How fresh?", &[Pattern::ShortPolling, Pattern::Sse]);
    let intervals = [250, 1_000, 2_000].map(Period::from_millis).to_vec();
    interval.sweep = Some(Sweep { poll_interval: intervals, ..Sweep::default() });
    let mut obstacles = scenario("obstacles", "What gets through?", &Pattern::ALL);
    let network = vec![
        Network::default(),
        Network { idle_timeout: Some(Period::from_millis(200)), ..Network::default() },
        Network { bytes_per_second: Some(1_000), ..Network::default() },
        Network { bytes_per_second: Some(2_000), ..Network::default() },
    ];
    obstacles.sweep = Some(Sweep { network, ..Sweep::default() });
    let mut transports = scenario("transports", "What does TLS cost?", &Pattern::ALL);
    let transport = vec![Transport::Http1, Transport::Http2];
    transports.sweep = Some(Sweep { transport, ..Sweep::default() });
    vec![interval, obstacles, transports, scenario("ticker", "Who is first?", &[Pattern::Sse])]
}

fn read(text: &str) -> Result<Vec<Claim>, ClaimError> {
    read_claims(FILE, text.as_bytes())
}

fn checked(text: &str) -> Result<(), ClaimError> {
    check_claims(&read(text)?, &scenarios())
}

#[test]
fn an_entry_of_another_form_is_refused_with_its_place() {
    let long = "x".repeat(301);
    let two = |first: &str, second: &str| entry(first, "open = \"a\"") + &entry(second, "open = \"a\"");
    for (text, message) in [
        (
            entry("29", "open = \"a\""),
            "line 1: claim 29: `id` is `29`: expected `K` and two or three digits, such as K29",
        ),
        (
            entry("K1", "open = \"a\""),
            "line 1: claim K1: `id` is `K1`: expected `K` and two or three digits, such as K29",
        ),
        (
            entry("K+1", "open = \"a\""),
            "line 1: claim K+1: `id` is `K+1`: expected `K` and two or three digits, such as K29",
        ),
        (
            two("K02", "K02"),
            "line 5: claim K02: `id` is `K02`: expected a higher number than that of the claim before it, K02",
        ),
        (
            two("K10", "K02"),
            "line 5: claim K02: `id` is `K02`: expected a higher number than that of the claim before it, K10",
        ),
        (
            entry("K01", ""),
            "line 1: claim K01: `open` is absent: expected a sentence without conditions: what will decide the claim",
        ),
        (entry("K01", "open = \" \""), "line 1: claim K01: `open` is empty: expected a text"),
        (
            entry("K01", "open = \"a\"\nholds = \"b\""),
            "line 1: claim K01: `holds` is set: expected no such key without conditions: such a claim is open",
        ),
        (
            entry("K01", "conditions = [\"ticker: lost == 0\"]\nholds = \"b\""),
            "line 1: claim K01: `wrong` is absent: expected a sentence for this verdict",
        ),
        (
            entry("K01", "conditions = [\"ticker: lost == 0\"]\nwrong = \"b\""),
            "line 1: claim K01: `holds` is absent: expected a sentence for this verdict",
        ),
        (
            entry("K01", &format!("conditions = [\"ticker: lost == 0\"]\n{SENTENCES}\nopen = \"b\"")),
            "line 1: claim K01: `open` is set: expected no such key with conditions: the reason follows from the run",
        ),
        (
            entry("K01", &format!("conditions = [\"a\", \"a\"]\n{SENTENCES}")),
            "line 1: claim K01: `conditions` is `a` twice: expected each condition once",
        ),
        (
            entry("K01", "open = \"a\"\nheard = [{ title = \"Somewhere\", link = \"example.org\" }]"),
            "line 1: claim K01: `heard.link` is `example.org`: expected an address such as https://example.org",
        ),
        (
            entry("K01", &format!("open = \"{}\"", long.repeat(2))),
            "line 1: claim K01: `open` is 602 letters long: expected at most 600",
        ),
        (
            entry(
                "K01",
                &format!("open = \"a\"\nheard = [{{ title = \"{long}\", link = \"https://example.org\" }}]"),
            ),
            "line 1: claim K01: `heard.title` is 301 letters long: expected at most 300",
        ),
        (
            entry("K01", "open = \"a\\nb\""),
            "line 1: claim K01: `open` is a text with a line break or another control character: expected one line",
        ),
    ] {
        let error = read(&text).expect_err(&text).to_string();
        assert_eq!(error, format!("{FILE}, {message}"));
    }
    let many = (0..21).map(|number| format!("\"a{number}\"")).collect::<Vec<_>>().join(", ");
    let error =
        read(&entry("K01", &format!("conditions = [{many}]\n{SENTENCES}"))).expect_err("21 conditions");
    assert!(error.to_string().ends_with("`conditions` is 21 long: expected at most 20 of them"), "{error}");
}

#[test]
fn what_is_no_claims_file_is_refused_with_line_and_key() {
    for (text, words) in [
        ("[[claim]]\nid = \"K01\"\nclame = \"x\"\n", &["line 3", "unknown field `clame`", "`claim`"][..]),
        ("[[claims]]\nid = \"K01\"\n", &["unknown field `claims`", "line 1"]),
        ("[[claim]]\nid = \"K01\"\n", &["missing field `claim`", "line 1"]),
        ("[[claim]]\nid = 1\nclaim = \"x\"\n", &["line 2", "expected a string"]),
        ("[[claim]\n", &["line 1"]),
        (
            "[[claim]]\nid = \"K01\"\nclaim = \"x\"\nheard = [{ title = \"x\" }]\n",
            &["line 4", "missing field `link`"],
        ),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.starts_with(&format!("{FILE}: ")), "{error}");
        words.iter().for_each(|word| assert!(error.contains(word), "{word} is missing in: {error}"));
    }
    let error = read_claims(FILE, b"[[claim]]\nid = \"K\xff\"").expect_err("not UTF-8");
    assert_eq!(error.to_string(), format!("{FILE}: not UTF-8 after 17 bytes"));
    assert_eq!(read(""), Ok(Vec::new()), "an empty file has no claims");
}

#[test]
fn a_condition_that_fits_no_scenario_is_refused() {
    let names = "poll-interval, obstacles, transports, ticker";
    for (condition, problem) in [
        ("lost == 0", "it names no scenario; write `scenario: [pattern.]name OP number`".to_owned()),
        ("tickr: lost == 0", format!("there is no scenario `tickr`; these are: {names}")),
        ("ticker: lost / tickr: lost == 0", format!("there is no scenario `tickr`; these are: {names}")),
        ("ticker: websocket.lost == 0", "`websocket` is not one of its patterns; these are: sse".to_owned()),
        (
            "ticker: sse[1s].lost == 0",
            "ticker measures sse at one setting only: write it without `[1s]`".to_owned(),
        ),
        (
            "poll-interval: sse[1s].lost == 0",
            "poll-interval measures sse at one setting only: write it without `[1s]`".to_owned(),
        ),
        (
            "poll-interval: short-polling[3s].lost == 0",
            "`[3s]` is not a swept value of poll-interval; these are: 250ms, 1s, 2s".to_owned(),
        ),
        (
            "obstacles: sse[bytes_per_second].lost == 0",
            "`[bytes_per_second]` is not a swept value of obstacles; these are: clear, idle_timeout, \
             bytes_per_second=1000, bytes_per_second=2000"
                .to_owned(),
        ),
        (
            "transports: sse[http3].lost == 0",
            "`[http3]` is not a swept value of transports; these are: http1, http2".to_owned(),
        ),
        (
            "transports: sse[http2.lost == 0",
            "`transports: sse[http2.lost == 0` has a bracket at the wrong place; write `pattern[value].name`"
                .to_owned(),
        ),
        (
            "transports: sse[http2]x.lost == 0",
            "`sse[http2]x` has a bracket at the wrong place; write `pattern[value].name`".to_owned(),
        ),
        (
            "ticker: lost",
            "there is no operator; write `[pattern.]name OP number` with one of < <= > >= ==".to_owned(),
        ),
        (
            "ticker: lost < few",
            "`few` is not a number; write one such as 250 or 1.6, without a unit".to_owned(),
        ),
        ("ticker: lost / lost / lost < 1", "it divides more than once; a ratio has two values".to_owned()),
        (
            "ticker: sse.lost / ticker: sse.lost < 1",
            "a value is divided by itself, which is always 1".to_owned(),
        ),
        (
            "transports: sse[http2].lost / sse.lost < 1",
            "a value is divided by itself, which is always 1".to_owned(),
        ),
        (
            "ticker: sse.bytes_per_event / floor < 1",
            "`floor` is not one of its other servers; these are: none".to_owned(),
        ),
    ] {
        let error = checked(&with_condition(condition)).expect_err(condition).to_string();
        assert_eq!(error, format!("claim K01: `conditions`: `{condition}`: {problem}"));
    }
    let error = checked(&with_condition("ticker: sse.speed < 1")).expect_err("no quantity").to_string();
    assert!(error.starts_with("claim K01: `conditions`: `ticker: sse.speed < 1`: `speed` is not a quantity; allowed are age_mean_ms, "), "{error}");
    assert!(error.ends_with(", crowd_deliveries, check[NAME]"), "{error}");
}

#[test]
fn a_placeholder_must_name_one_point_of_a_scenario() {
    let with = |key: &str, sentence: &str, condition: &str| {
        let sentences = SENTENCES.lines().map(|line| match line.split_once(" = ") {
            Some((known, _)) if known == key => format!("{key} = \"{sentence}\""),
            Some(_) | None => line.to_owned(),
        });
        let sentences = sentences.collect::<Vec<_>>().join("\n");
        checked(&entry("K01", &format!("conditions = ['{condition}']\n{sentences}")))
    };
    let swept = "poll-interval: short-polling.empty_ratio < 0.5";
    for (key, sentence, condition, message) in [
        ("holds", "{sse.lost", "ticker: lost == 0", "claim K01: `holds`: it has a `{` without its `}`"),
        ("holds", "sse.lost}", "ticker: lost == 0", "claim K01: `holds`: it has a `}` without its `{`"),
        ("wrong", "{a {sse.lost}}", "ticker: lost == 0", "claim K01: `wrong`: it has a `{` without its `}`"),
        ("holds", "{flip}", swept, "claim K01: `holds`: `{flip}` is allowed in `depends` only"),
        (
            "depends",
            "{flip}",
            "transports: sse.lost == 0",
            "claim K01: `depends`: `{flip}` needs a condition without `[value]` on a scenario that sweeps a number",
        ),
        (
            "wrong",
            "{short-polling.empty_ratio}",
            swept,
            "claim K01: `wrong`: `{short-polling.empty_ratio}` names 3 points: expected one, as `pattern[value].name`",
        ),
        (
            "holds",
            "{tickr: sse.lost}",
            swept,
            "claim K01: `holds`: `{tickr: sse.lost}`: there is no scenario `tickr`; these are: poll-interval, \
             obstacles, transports, ticker",
        ),
        (
            "holds",
            "{short-polling[9s].lost}",
            swept,
            "claim K01: `holds`: `{short-polling[9s].lost}`: `[9s]` is not a swept value of poll-interval; these are: \
             250ms, 1s, 2s",
        ),
    ] {
        assert_eq!(with(key, sentence, condition).expect_err(sentence).to_string(), message);
    }
    // Of the first condition's scenario if it names none, and at the value of the first term.
    let good = "{short-polling[1000ms].age_p99_ms / sse.age_p99_ms} and {ticker: sse.lost}, {flip}";
    assert_eq!(with("depends", good, swept), Ok(()));
    let without = "holds = \"a\"\nwrong = \"b\"";
    let missing =
        checked(&entry("K01", &format!("conditions = ['{swept}']\n{without}"))).expect_err("no sentence");
    let words = "claim K01: `depends`: absent, but 3 points may answer differently: expected a sentence for this verdict";
    assert_eq!(missing.to_string(), words);
    let one = checked(&entry("K01", &format!("conditions = ['ticker: sse.lost == 0']\n{without}")));
    assert_eq!(one, Ok(()), "one point cannot differ");
}
