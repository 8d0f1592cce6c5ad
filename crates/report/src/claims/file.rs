//! The format of `claims.toml`, in which unknown keys are errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::judgement::expression_error::ExpressionError;

/// Most letters of a condition.
const LONGEST_CONDITION: usize = 200;
/// Most letters of a claim, a title or a link.
const LONGEST_LINE: usize = 300;
/// Most letters of the sentence for a verdict.
const LONGEST_SENTENCE: usize = 600;
/// Most conditions of a claim, so that a typing error does not fill a page.
const MOST_CONDITIONS: usize = 20;

/// A claim as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `K` and two or three digits; ascending in the file.
    pub id: String,
    /// The claim, one sentence.
    pub claim: String,
    /// Where it is heard; may be empty.
    #[serde(default)]
    pub heard: Vec<Heard>,
    /// The claim says that all of these are true. Empty if nothing decides it yet: it is then open.
    ///
    /// `scenario: [pattern[value].]name [/ [scenario:] [pattern[value].]name] OP number`: the language of a
    /// scenario's thresholds, with the scenario's name before it.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// The sentence if it holds, with values in braces; needed with conditions.
    pub holds: Option<String>,
    /// The sentence if it depends; needed with conditions that several points may answer differently.
    pub depends: Option<String>,
    /// The sentence if it is wrong; needed with conditions.
    pub wrong: Option<String>,
    /// What will decide it; needed without conditions, and refused with them.
    pub open: Option<String>,
}

/// A text that makes the claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Its title.
    pub title: String,
    /// Its address.
    pub link: String,
}

/// Claims that cannot be used, with the place and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Not UTF-8, not TOML, an unknown or missing key, or a value of the wrong kind.
    #[error("{file}: {problem}")]
    Form {
        /// The file of the claims.
        file: String,
        /// What the reader said, with line and column.
        problem: String,
    },
    /// An invalid value.
    #[error("{file}, line {line}: claim {id}: `{key}` is {value}: expected {allowed}")]
    Value {
        /// The file of the claims.
        file: String,
        /// The line at which the claim begins, from 1.
        line: usize,
        /// The claim's id as written.
        id: String,
        /// The key.
        key: &'static str,
        /// The value found.
        value: String,
        /// What is accepted.
        allowed: String,
    },
    /// An expression, of a condition or between braces in a sentence, that does not fit the scenarios.
    #[error("claim {id}: `{key}`: `{text}`: {problem}")]
    Expression {
        /// The claim's id.
        id: String,
        /// The key.
        key: &'static str,
        /// The expression as written.
        text: String,
        /// What is wrong with it.
        problem: Box<ExpressionError>,
    },
    /// A sentence that is missing, or has a placeholder that cannot be filled.
    #[error("claim {id}: `{key}`: {problem}")]
    Sentence {
        /// The claim's id.
        id: String,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    claim: Vec<Spanned<Claim>>,
}

/// Reads the text of a claims file. `file` is its path, for error messages. Names and expressions are checked
/// later, against the scenarios.
///
/// # Errors
/// [`ClaimError`] with file, line, key and expected values, if the text is not UTF-8 or not TOML, has an unknown
/// key or an invalid value.
pub fn read_claims(file: &str, text: &[u8]) -> Result<Vec<Claim>, ClaimError> {
    let form = |problem: String| ClaimError::Form { file: file.to_owned(), problem };
    let text = std::str::from_utf8(text)
        .map_err(|error| form(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
    let read: File = toml::from_str(text).map_err(|error| form(error.to_string().trim_end().to_owned()))?;
    let mut claims: Vec<Claim> = Vec::new();
    for entry in read.claim {
        let line = 1 + text.bytes().take(entry.span().start).filter(|byte| *byte == b'\n').count();
        let claim = entry.into_inner();
        Check { file, line, id: &claim.id }.claim(&claim, claims.last())?;
        claims.push(claim);
    }
    Ok(claims)
}

/// Checks the values of one claim.
struct Check<'a> {
    file: &'a str,
    line: usize,
    id: &'a str,
}

impl Check<'_> {
    fn that(&self, key: &'static str, value: &str, fits: bool, allowed: &str) -> Result<(), ClaimError> {
        if fits {
            return Ok(());
        }
        Err(ClaimError::Value {
            file: self.file.to_owned(),
            line: self.line,
            id: self.id.to_owned(),
            key,
            value: value.to_owned(),
            allowed: allowed.to_owned(),
        })
    }

    fn claim(&self, claim: &Claim, before: Option<&Claim>) -> Result<(), ClaimError> {
        let number = number_of(&claim.id);
        let written = format!("`{}`", claim.id);
        self.that("id", &written, number.is_some(), "`K` and two or three digits, such as K29")?;
        if let Some(before) = before {
            let ascends = number_of(&before.id) < number;
            let allowed = format!("a higher number than that of the claim before it, {}", before.id);
            self.that("id", &written, ascends, &allowed)?;
        }
        self.text("claim", &claim.claim, LONGEST_LINE)?;
        for Heard { title, link } in &claim.heard {
            self.text("heard.title", title, LONGEST_LINE)?;
            self.text("heard.link", link, LONGEST_LINE)?;
            let is_link = ["https://", "http://"].iter().any(|start| link.starts_with(start));
            let fits = is_link && !link.contains(char::is_whitespace);
            self.that("heard.link", &format!("`{link}`"), fits, "an address such as https://example.org")?;
        }
        self.conditions(claim)
    }

    fn conditions(&self, claim: &Claim) -> Result<(), ClaimError> {
        let conditions = &claim.conditions;
        let number = format!("{} long", conditions.len());
        self.that("conditions", &number, conditions.len() <= MOST_CONDITIONS, "at most 20 of them")?;
        for (index, condition) in conditions.iter().enumerate() {
            self.text("conditions", condition, LONGEST_CONDITION)?;
            let once = !conditions[..index].contains(condition);
            self.that("conditions", &format!("`{condition}` twice"), once, "each condition once")?;
        }
        let decides = !conditions.is_empty();
        for (key, sentence, is_needed) in [
            ("holds", &claim.holds, decides),
            ("depends", &claim.depends, false),
            ("wrong", &claim.wrong, decides),
            ("open", &claim.open, !decides),
        ] {
            match sentence {
                Some(sentence) => {
                    self.text(key, sentence, LONGEST_SENTENCE)?;
                    let (fits, allowed) = match key {
                        "open" => (!decides, "no such key with conditions: the reason follows from the run"),
                        _ => (decides, "no such key without conditions: such a claim is open"),
                    };
                    self.that(key, "set", fits, allowed)?;
                }
                None => {
                    let allowed = match key {
                        "open" => "a sentence without conditions: what will decide the claim",
                        _ => "a sentence for this verdict",
                    };
                    self.that(key, "absent", !is_needed, allowed)?;
                }
            }
        }
        Ok(())
    }

    /// A text of one line.
    fn text(&self, key: &'static str, text: &str, longest: usize) -> Result<(), ClaimError> {
        self.that(key, "empty", !text.trim().is_empty(), "a text")?;
        let letters = text.chars().count();
        self.that(
            key,
            &format!("{letters} letters long"),
            letters <= longest,
            &format!("at most {longest}"),
        )?;
        let is_one_line = !text.contains(char::is_control);
        self.that(key, "a text with a line break or another control character", is_one_line, "one line")
    }
}

/// The number of an id; none if it has another form.
fn number_of(id: &str) -> Option<u32> {
    let digits = id.strip_prefix('K')?;
    let fits = (2..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| fits)
}
