//! What the report, the page of claims and the terminal show of claims.

use report::{ClaimFinding, ClaimVerdict, Findings, OutputFile, Run};

use crate::{
    synthetic::{assert_alike, check_trials, files, sixty_trials, ten_trials, write},
    written::{assert_finite, content, plain},
};

/// A claim of each verdict about [`ten_trials`], in two kinds of open ones, and one about a scenario of another
/// run.
const CLAIMS: &str = r#"
[[claim]]
id = "K01"
claim = "A stream loses nothing."
heard = [{ title = "A <b>talk</b> | about streams", link = "https://example.org/a_(b)?c=1&d=2" }]
conditions = ["stock-ticker: sse.lost == 0", "stock-ticker: websocket.lost == 0"]
holds = "Of {stock-ticker: sse.expected} deliveries, {stock-ticker: sse.lost} were lost."
depends = "One of them loses events."
wrong = "Both lose events."

[[claim]]
id = "K02"
claim = "A poll is fresh."
conditions = ["poll-interval: short-polling.age_p99_ms <= 800"]
holds = "It is."
depends = "It is fresh if the interval is short; that changes {flip}."
wrong = "It is not."

[[claim]]
id = "K05"
claim = "A stream asks `five` times for each event."
conditions = ["stock-ticker: sse.requests_per_event >= 5"]
holds = "It does."
wrong = "It asks {stock-ticker: sse.requests_per_event} times."

[[claim]]
id = "K07"
claim = "Nobody knows."
open = "A scenario with two readers will decide it."

[[claim]]
id = "K11"
claim = "A long poll holds a socket."
conditions = ["elsewhere: long-polling.lost == 0"]
holds = "It does."
wrong = "It does not."
depends = "Sometimes."
"#;

/// The findings of a run that is asked about claims.
fn with_claims(
    (manifest, records): &(contract::Manifest, Vec<contract::TrialRecord>),
    claims: &str,
) -> Findings {
    let (manifest, records) = files(manifest, records);
    let run =
        Run::parse(&manifest, &records).expect("a made-up run can be read").with_claims(claims.as_bytes());
    assert_eq!(run.warnings, Vec::<String>::new());
    report::findings(&run)
}

fn verdicts(findings: &Findings) -> Vec<(&str, ClaimVerdict)> {
    findings.claims.iter().map(|claim| (claim.id.as_str(), claim.verdict)).collect()
}

fn has_page(files: &[OutputFile]) -> bool {
    files.iter().any(|file| file.path == "claims.html")
}

/// The values of an attribute in a page.
fn attributes<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    page.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_section_stands_after_the_answers_with_a_word_a_sentence_and_a_command_for_each_claim() {
    let findings = with_claims(&ten_trials(), CLAIMS);
    let expected = [
        ("K01", ClaimVerdict::Holds),
        ("K02", ClaimVerdict::Depends),
        ("K05", ClaimVerdict::Wrong),
        ("K07", ClaimVerdict::Open),
        ("K11", ClaimVerdict::Open),
    ];
    assert_eq!(verdicts(&findings), expected);
    let files = report::render(&findings);
    assert_alike("claims", &files);
    assert_finite(&files);
    let html = content(&files, "report.html");
    let places = ["id=\"answer\"", "id=\"claims\"", "id=\"contents\""].map(|place| html.find(place).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    let section = &html[places[1]..places[2]];
    for words in [
        "1 holds, 1 depends and 1 is wrong.",
        "<strong><span aria-hidden=\"true\">✓</span> holds</strong>",
        "<strong><span aria-hidden=\"true\">±</span> depends</strong>",
        "<strong><span aria-hidden=\"true\">✗</span> wrong</strong>",
        "<a href=\"claims.html#K05\">K05</a> A stream asks <code>five</code> times for each event.",
        "<a href=\"#stock-ticker\">stock-ticker</a>",
        "<code>just bench --claims K02</code>",
        "1 more claim needs other scenarios: <code>just claims</code>. 1 claim is open: no scenario decides it yet.",
    ] {
        assert!(section.contains(words), "{words}: {section}");
    }
    assert!(!section.contains("K07") && !section.contains("K11"), "{section}");
    let terminal = report::terminal_table(&findings, 80);
    assert!(terminal.contains("\nclaims: 1 holds, 1 depends, 1 wrong, 2 open\n"), "{terminal}");
    write("claims", &files);
}

#[test]
fn without_claims_or_with_evidence_for_few_of_them_there_is_no_page() {
    let none = report::render(&with_claims(&ten_trials(), ""));
    assert!(!has_page(&none) && !content(&none, "report.html").contains("id=\"claims\""));
    let without = report::findings(&{
        let (manifest, records) = files(&ten_trials().0, &ten_trials().1);
        Run::parse(&manifest, records).expect("a made-up run can be read")
    });
    assert_eq!(none, report::render(&without), "an empty file changes nothing");
    // Three of seven.
    let more: String = (12..=15)
        .map(|number| CLAIMS[CLAIMS.rfind("[[claim]]").unwrap()..].replace("K11", &format!("K{number}")))
        .collect();
    let few = report::render(&with_claims(&ten_trials(), &format!("{CLAIMS}{more}")));
    assert!(!has_page(&few));
    let markdown = content(&few, "report.md");
    assert!(!markdown.contains("claims.html"), "{markdown}");
    assert!(markdown.contains("| **K01** A stream loses nothing. |"), "{markdown}");
    assert!(markdown.contains("5 more claims need other scenarios: `just claims`."), "{markdown}");
    // Its scenarios are other ones.
    let other = report::render(&with_claims(&check_trials(2), CLAIMS));
    assert_alike("other", &other);
    assert!(!has_page(&other) && !content(&other, "report.md").contains("| verdict |"));
}

#[test]
fn the_page_has_every_claim_at_its_anchor_and_every_link_leads_somewhere() {
    let findings = with_claims(&ten_trials(), CLAIMS);
    let files = report::render(&findings);
    let page = content(&files, "claims.html");
    let ids = attributes(page, " id=\"");
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id), "{id} twice");
    }
    let index = page.split("<h2 ").next().unwrap();
    for claim in &findings.claims {
        assert!(page.contains(&format!("<h2 id=\"{0}\"><a href=\"#{0}\">{0} ", claim.id)), "{}", claim.id);
        let (by_verdict, by_scenario) = (
            format!(">{} {}<", claim.id, claim.claim.replace('`', "")),
            format!(">{} {}<", claim.id, claim.verdict.word()),
        );
        assert_eq!(page.matches(&by_verdict).count(), 2, "in the index and as heading: {by_verdict}");
        assert_eq!(index.matches(&by_scenario).count(), claim.scenarios.len(), "{by_scenario}");
    }
    assert!(page.contains("Evidence: </span>elsewhere. <code>just bench --claims K11</code>"), "{page}");
    let report = content(&files, "report.html");
    for link in attributes(page, "href=\"") {
        match link.split_once('#') {
            Some(("", anchor)) => assert!(ids.contains(&anchor), "{link}"),
            Some(("report.html", anchor)) => {
                assert!(attributes(report, " id=\"").contains(&anchor), "{link}");
            }
            Some(_) | None => {
                assert!(["report.html", "https://example.org/a_(b)?c=1&amp;d=2"].contains(&link), "{link}");
            }
        }
    }
    for link in attributes(report, "href=\"claims.html") {
        assert!(link.is_empty() || ids.contains(&&link[1..]), "{link}");
    }
    // The same anchors whatever the verdicts are.
    let again = with_claims(&sixty_trials(), CLAIMS);
    let again = report::render(&again);
    assert!(
        attributes(content(&again, "claims.html"), "<h2 id=\"")
            .iter()
            .eq(&["K01", "K02", "K05", "K07", "K11"])
    );
}

#[test]
fn a_claim_has_its_evidence_as_table_and_picture_with_signs_and_words() {
    let findings = with_claims(&ten_trials(), CLAIMS);
    let files = report::render(&findings);
    let page = plain(content(&files, "claims.html"));
    let of = |id: &str| {
        let start = page.find(&format!("<h2 id=\"{id}\"")).unwrap();
        let rest = &page[start + 4..];
        &rest[..rest.find("<h2 ").unwrap_or(rest.len())]
    };
    let swept = of("K02");
    for words in [
        "<code>poll-interval: short-polling.age_p99_ms &lt;= 800</code>",
        "</span> true</strong>",
        "</span> false</strong>",
        "</span> unknown</strong>",
        "\nlimit 800</text>",
        "\n✓ short polling every 250 ms</text>",
        "\n✗ short polling every 2 s</text>",
    ] {
        assert!(swept.contains(words), "{words}: {swept}");
    }
    assert_eq!(swept.matches("<polygon").count(), 4, "a mark for each value: {swept}");
    assert_eq!(of("K07").matches("<svg").count() + of("K11").matches("<svg").count(), 0);
    assert!(!swept.contains("\npoll-interval: "), "one panel needs no name: {swept}");
    // Two conditions, a panel each.
    for condition in ["stock-ticker: sse.lost == 0", "stock-ticker: websocket.lost == 0"] {
        assert!(of("K01").contains(&format!("\n{condition}</text>")), "{}", of("K01"));
    }
    assert_eq!(of("K01").matches("\nlimit 0</text>").count(), 2);
    assert!(of("K01").contains("A &lt;b&gt;talk&lt;/b&gt; | about streams"), "{}", of("K01"));
}

/// Claims as a reader of `pushlab claims` chooses them.
fn chosen<'a>(findings: &'a Findings, ids: &[&str]) -> Vec<&'a ClaimFinding> {
    findings.claims.iter().filter(|claim| ids.contains(&claim.id.as_str())).collect()
}

#[test]
fn the_terminals_ledger_fits_and_has_sign_word_sentence_and_command() {
    let findings = with_claims(&ten_trials(), CLAIMS);
    let all = chosen(&findings, &["K01", "K02", "K05", "K07", "K11"]);
    for width in [60, 80, 120] {
        for text in [report::claims_text(&all, width), report::claims_with_evidence_text(&all, width)] {
            for line in text.lines().filter(|line| !line.contains("https://")) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let text = report::claims_text(&all, 200);
    for words in [
        "claims: 1 holds, 1 depends, 1 wrong, 2 open\n",
        "\nK02 ± depends: A poll is fresh.\nIt is fresh if the interval is short; that changes ",
        "\nevidence: poll-interval; just bench --claims K02\n",
        "\nK07 ? open: Nobody knows.\nA scenario with two readers will decide it.\n\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let evidence = report::claims_with_evidence_text(&chosen(&findings, &["K01"]), 80);
    for words in [
        "stock-ticker: sse.lost == 0\n",
        "✓ true",
        "heard in: A <b>talk</b> | about streams\nhttps://example.org/a_(b)?c=1&d=2\n",
    ] {
        assert!(evidence.contains(words), "{words}: {evidence}");
    }
    assert_eq!(report::claims_text(&[], 80), "no claim matches\n");
}

#[test]
fn a_claim_that_a_part_of_its_scenarios_decides_is_shown_without_a_link_to_the_others() {
    let claims = CLAIMS.replace(
        r#"["poll-interval: short-polling.age_p99_ms <= 800"]"#,
        r#"["elsewhere: sse.lost == 0", "poll-interval: short-polling.age_p99_ms <= 800"]"#,
    );
    let findings = with_claims(&ten_trials(), &claims);
    assert_eq!(verdicts(&findings)[1], ("K02", ClaimVerdict::Depends));
    let files = report::render(&findings);
    let shown = "Evidence: </span>elsewhere<span class=\"quiet\">, </span><a href=\"#poll-interval\">";
    assert!(content(&files, "report.html").contains(shown));
    assert!(content(&files, "claims.html").contains(&shown.replace("#poll", "report.html#poll")));
    assert!(content(&files, "report.md").contains("1 more claim needs other scenarios"));
}
