//! The written files: equal numbers in every output, hostile texts escaped, figures with alternative text, and
//! a size that a phone can load.

use contract::{Manifest, Pattern, ServerName, Transport, TrialRecord};
use model::{NotApplicable, Predicted};
use report::{Findings, ModelPrediction, OutputFile, QuantityName};

use crate::{
    synthetic::{
        change, failed, ladder_trials, manifest, obstacle_trials, params, record, scenario, six_connections,
        sixty_trials, ten_trials, write,
    },
    written::{assert_finite, content, findings, findings_of},
};

fn figures(files: &[OutputFile]) -> impl Iterator<Item = &OutputFile> {
    files.iter().filter(|file| file.path.starts_with("figures/"))
}

#[test]
fn every_output_prints_the_same_numbers() {
    let (manifest, records) = ten_trials();
    let findings = findings(&manifest, &records);
    let files = report::render(&findings);
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    let csv: Vec<Vec<&str>> =
        content(&files, "summary.csv").lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| csv[0].iter().position(|head| *head == name).expect("a column");
    let mut rows = csv[1..].iter();
    let points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    for (point, in_json) in points.zip(json["points"].as_array().expect("points")) {
        assert_eq!(in_json["pattern"], point.pattern.slug());
        for quantity in &point.quantities {
            let row = rows.next().expect("a row per point and quantity");
            let fields = &in_json["quantities"][quantity.name.key()];
            assert_eq!(row[column("quantity")], quantity.name.key());
            for (name, value) in [
                ("measured", quantity.measured),
                ("predicted", quantity.predicted),
                ("closed_form", quantity.closed_form),
            ] {
                assert_eq!(fields[name].as_f64(), row[column(name)].parse().ok(), "{name}");
                assert_eq!(fields[name].is_null(), value.is_none());
                assert_eq!(fields["bound"].as_str().unwrap_or_default(), row[column("bound")]);
                // Text rounds the values of the files for programs, and does nothing else to them.
                if let (Some(written), Some(value)) = (fields[name].as_f64(), value) {
                    assert!((written - value).abs() <= value.abs() * 1e-5);
                }
            }
            if quantity.measured.is_none() && quantity.predicted.is_none() && quantity.closed_form.is_none() {
                // A table lists what its scenario knows; the files for programs list everything.
                continue;
            }
            let heading = format!(">{}</th>", quantity.name.label());
            assert!(content(&files, "report.html").contains(&heading));
            let cell = format!("<td>{}</td>", quantity.predicted_text());
            assert!(content(&files, "report.html").contains(&cell), "{cell}");
            let row = format!(
                "| {} | {} | {} | {} | {} |",
                quantity.name.label(),
                quantity.predicted_text(),
                quantity.measured_text(),
                quantity.comparison_text(),
                quantity.closed_form_text()
            );
            assert!(content(&files, "report.md").contains(&row), "{row}");
            assert!(content(&files, "report.html").contains(&quantity.measured_text()));
        }
        let p99 = point.quantity_of(QuantityName::AgeP99).measured_text();
        let number = p99.split('\u{202f}').next().expect("a number");
        assert!(crate::written::terminal(&findings).contains(number), "{number}");
    }
    assert!(rows.next().is_none());
}

#[test]
fn the_first_lines_say_which_driver_delivered() {
    let (manifest, mut records) = ten_trials();
    let pages = |records: &[TrialRecord]| {
        let files = report::render(&findings(&manifest, records));
        ["report.html", "report.md"].map(|path| {
            let page = content(&files, path).to_owned();
            let answer = page.find("SSE").expect("the answer names it");
            (page[..answer].to_owned(), page)
        })
    };
    let shared = "the shared writer (one task for all waiting sockets, plain HTTP/1.1)";
    let [(html, _), (markdown, _)] = pages(&records);
    assert!(html.contains(&format!("Driver: <a href=\"#drivers\">{shared}</a>.")), "{html}");
    assert!(markdown.contains(&format!("Driver: [{shared}](#drivers).\n")), "{markdown}");
    let other = manifest.scenarios[1].name.clone();
    for record in records.iter_mut().filter(|record| record.scenario == other) {
        record.params.transport = Transport::Http2;
    }
    let [(html, page), _] = pages(&records);
    assert!(html.contains(&format!("Drivers: <a href=\"#drivers\">{shared}</a> and 1 other.")), "{html}");
    let encrypted = format!("in {other}: a task per connection and stream (hyper, HTTP/2 in TLS).");
    assert!(page.contains(&encrypted) && page.contains(&format!(": {shared}.")), "{page}");
}

#[test]
fn ablations_are_the_last_question_and_a_stream_asks_once() {
    let (manifest, mut records) = ladder_trials(1);
    let (mut ten, others) = ten_trials();
    let orders = records.len() as u32..;
    records.extend(others.into_iter().zip(orders).map(|(record, order)| TrialRecord { order, ..record }));
    let last = manifest.scenarios[0].name.clone();
    ten.scenarios = manifest.scenarios.into_iter().chain(ten.scenarios).collect();
    let files = report::render(&findings(&ten, &records));
    let page = content(&files, "report.html");
    let anchors = between(page, "<h2 id=\"", "\"");
    let place = |anchor: &str| anchors.iter().position(|other| *other == anchor).expect("a heading");
    assert!(place("stock-ticker") < place(&last) && place(&last) + 1 == place("method"), "{anchors:?}");
    assert!(page.contains("0<small> (asked once)</small>"));
}

#[test]
fn the_summary_keeps_its_shape() {
    let (manifest, records) = ten_trials();
    let files = report::render(&findings(&manifest, &records));
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    assert_eq!(json["schema"], 3);
    assert_eq!(json["run"]["verdict"], "passed");
    assert_eq!(json["thresholds"], serde_json::json!([]));
    let comparison = &json["comparisons"][0];
    assert_eq!(
        (comparison["scenario"].as_str(), comparison["blocks"].as_u64()),
        (Some("stock-ticker"), Some(1))
    );
    assert!(
        comparison["ratio"].is_f64() && comparison["low"].is_null() && comparison["p_adjusted"].is_null()
    );
    assert_eq!(comparison["shown"], false);
    assert_eq!(json["points"][0]["blocks"], 1);
    let point = &json["points"][4];
    assert_eq!(point["scenario"], "poll-interval");
    assert_eq!(point["params"]["poll_interval_ms"], 250.0);
    assert_eq!(point["delivery"]["lost"], 0);
    let age = point["quantities"]["age_p50_ms"].as_object().expect("an object");
    let mut fields: Vec<&str> = age.keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected = [
        "added",
        "bound",
        "closed_form",
        "high",
        "low",
        "measured",
        "predicted",
        "predicted_high",
        "predicted_low",
    ];
    assert_eq!(fields, expected);
    assert!(age["bound"].is_null());
}

#[test]
fn figures_can_be_read_aloud_and_in_both_schemes() {
    let (manifest, records) = ten_trials();
    let files = report::render(&findings(&manifest, &records));
    assert!(figures(&files).count() > 10);
    let page = content(&files, "report.html");
    for figure in figures(&files) {
        let svg = &figure.content;
        for part in ["<title id=", "<desc id=", "role=\"img\"", "viewBox=", "prefers-color-scheme:dark"] {
            assert!(svg.contains(part), "{} lacks {part}", figure.path);
        }
        let unit = [" ms", "\u{202f}ms", "bytes", "requests", " us", "events/s"];
        assert!(unit.iter().any(|unit| svg.contains(unit)), "{} has no unit", figure.path);
        assert!(!svg.contains("FACE"), "{} holds a placeholder colour", figure.path);
        let anchor = figure.path.trim_start_matches("figures/").trim_end_matches(".svg");
        let shown = page.matches(&format!("<figure id=\"{anchor}\">")).count();
        // The figure across scenarios has the same title and more points.
        assert_eq!(shown, usize::from(anchor != "stock-ticker-freshness"), "{anchor}");
        let linked = content(&files, "report.md").matches(&format!("]({})", figure.path)).count();
        assert_eq!(linked, shown, "{anchor}");
    }
    assert!(!page.contains("FACE") && page.contains("var(--sse)"));
    assert!(!page.contains("<script") && !page.contains("src="));
    assert_finite(&files);
    write("ten", &files);
}

/// The texts between these two, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn the_first_screen_has_the_question_the_verdict_the_driver_the_answers_and_why() {
    let (manifest, records) = ten_trials();
    let findings = findings(&manifest, &records);
    let files = report::render(&findings);
    let page = content(&files, "report.html");
    let question = &manifest.scenarios[0].question;
    assert!(page.contains(&format!("<title>{question} – valid, one run</title>")));
    let order = [
        format!("<h1>{question}</h1>"),
        "class=\"verdict passed\"".to_owned(),
        "Driver: ".to_owned(),
        findings.answers[0].headline.clone(),
        findings.answers[2].headline.clone(),
        "<figure id=\"stock-ticker-waterfall\"".to_owned(),
        "<nav id=\"contents\"".to_owned(),
        "<h2 id=\"table\"".to_owned(),
        "What to look at".to_owned(),
        "<figure id=\"stock-ticker-age-ecdf\"".to_owned(),
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|part| page.find(part.as_str()).unwrap_or_else(|| panic!("{part} is missing")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    // Without an obstacle's matrix or a waterfall it is the first figure; the matrix has no figure beside it.
    let first_of = |run: &(Manifest, Vec<TrialRecord>), part: &str| {
        let files = report::render(&findings_of(run));
        let page = content(&files, "report.html").to_owned();
        let head = page.split("<nav").next().expect("a first part").to_owned();
        assert!(head.contains(part), "{head}");
        head
    };
    first_of(&six_connections(), "<figure id=\"six-connections-browser\"");
    let head = first_of(&obstacle_trials(), "class=\"matrix\"");
    assert!(!head.contains("<figure"), "{head}");
}

#[test]
fn nothing_stands_twice_on_the_page() {
    for run in [ten_trials(), obstacle_trials(), six_connections()] {
        let files = report::render(&findings_of(&run));
        let page = content(&files, "report.html");
        let mut texts: Vec<&str> = between(page, "<h4>", "</h4>");
        texts.extend(between(page, "<p class=\"quiet\">", "</p>"));
        texts.extend(between(page, "<p class=\"finding\">", "</p>"));
        texts.extend(between(page, "<figcaption>", " <a href"));
        texts.extend(between(page, "<dd>", "</dd>"));
        texts.extend(between(page, "<ul class=\"answer\"><li>", ". <a "));
        // Links and the headings of tables are not sentences, and two scenarios may have the same settings.
        let is_sentence =
            |text: &str| text.len() > 40 && !["<a ", "Events: "].iter().any(|start| text.starts_with(start));
        texts.retain(|text| is_sentence(text));
        let mut known = std::collections::BTreeSet::new();
        for text in texts {
            assert!(known.insert(text), "twice: {text}");
        }
    }
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    for run in [ten_trials(), obstacle_trials(), six_connections()] {
        let files = report::render(&findings_of(&run));
        let page = content(&files, "report.html");
        let links = between(page, "href=\"#", "\"");
        assert!(links.len() > 10, "{links:?}");
        for link in links {
            assert_eq!(page.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
        }
    }
}

#[test]
fn the_validity_box_is_one_line_while_every_limit_is_kept() {
    let boxes = |(manifest, records): &(Manifest, Vec<TrialRecord>)| {
        let files = report::render(&findings(manifest, records));
        let page = content(&files, "report.html");
        let kept = page.matches("<details class=\"box\"><summary><h3>Validity: valid").count();
        (kept, page.matches("<details class=\"box bad\" open><summary><h3>Validity: not valid").count())
    };
    let mut run = ten_trials();
    assert_eq!(boxes(&run), (3, 0));
    change(&mut run.1[0], |measured| measured.delivery.duplicated = 3);
    assert_eq!(boxes(&run), (2, 1));
}

#[test]
fn sixty_trials_fit_into_one_page() {
    let (manifest, records) = sixty_trials();
    let files = report::render(&findings(&manifest, &records));
    let size = content(&files, "report.html").len();
    assert!(size <= 1_500_000, "{size} bytes");
    assert_finite(&files);
    write("sixty", &files);
}

#[test]
fn text_from_outside_stays_text() {
    let evil = "<script>alert(1)</script> & \"quotes\" | *stars* \u{1b}[31m\n# head";
    let mut ticker = scenario("../../etc/<b>", evil, &Pattern::ALL);
    ticker.setting = evil.to_owned();
    ticker.look_at = evil.to_owned();
    let formula = scenario("=cmd,\"x\"", evil, &[Pattern::Sse]);
    let mut ours = manifest(vec![ticker, formula], &["a1b2c3d4e5f60718"], 3);
    ours.name = evil.to_owned();
    ours.command = evil.to_owned();
    ours.environment.cpu = evil.to_owned();
    let mut records: Vec<TrialRecord> = [Pattern::Sse, Pattern::WebSocket]
        .into_iter()
        .map(|pattern| record("../../etc/<b>", pattern, params(pattern, 1_000.0, 50), 0))
        .collect();
    records[0].scenario = "=cmd,\"x\"".to_owned();
    records[1].schedule_hash = evil.to_owned();
    records.push(failed(records[1].clone(), evil, &[evil]));
    let findings = findings(&ours, &records);
    let files = report::render(&findings);
    for file in &files {
        // In Markdown an indented line is code, and files for programs need no escapes.
        let code = |line: &&str| file.path == "report.md" && line.starts_with("    ");
        let mut shown = file.content.lines().filter(|line| !code(line));
        let for_programs = file.path.starts_with("summary.");
        assert!(for_programs || shown.all(|line| !line.contains("<script")), "{}", file.path);
        assert!(!file.content.contains('\u{1b}'), "{}", file.path);
        assert!(!file.path.contains(".."), "{}", file.path);
    }
    write("hostile", &files);
    let page = content(&files, "report.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;"));
    assert!(!content(&files, "report.md").contains("\n# head"));
    assert!(content(&files, "summary.csv").contains("\"'=cmd,\"\"x\"\"\""));
    assert!(!crate::written::terminal(&findings).contains('\u{1b}'));
}

/// Two patterns whose schedule is not in the manifest: nothing here depends on the model.
fn small_run() -> Findings {
    let ticker =
        scenario("stock-ticker", "Who hears of a price first?", &[Pattern::ShortPolling, Pattern::Sse]);
    let records = [
        record("stock-ticker", Pattern::ShortPolling, params(Pattern::ShortPolling, 1_000.0, 50), 0),
        record("stock-ticker", Pattern::Sse, params(Pattern::Sse, 1_000.0, 50), 1),
    ];
    findings(&manifest(vec![ticker], &[], 2), &records)
}

#[test]
fn the_terminal_table_reads_well() {
    insta::assert_snapshot!(report::terminal_table(&small_run(), 80));
}

#[test]
fn the_markdown_reads_well() {
    let files = report::render(&small_run());
    insta::assert_snapshot!(content(&files, "report.md"));
}

#[test]
fn the_prediction_table_says_why_it_is_empty() {
    let ticker = scenario("stock-ticker", "Who hears of a price first?", &Pattern::ALL);
    let absent = || Err(NotApplicable("the hold is longer than an eighth of the window".to_owned()));
    let predictions = [Pattern::ShortPolling, Pattern::LongPolling].map(|pattern| {
        let predicted = Predicted { closed_form: absent(), replayed: absent() };
        let params = params(pattern, 1_000.0, 50);
        ModelPrediction { pattern, server: ServerName::default(), params, predicted }
    });
    insta::assert_snapshot!(report::prediction_table(&ticker, &predictions, 80));
}
