//! Texts of errors, with their root cause.

use std::error::Error;

/// The text of an error and, if other errors caused it, that of the root cause.
pub(crate) fn with_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let (reported, first) = (error.to_string(), cause.to_string());
    if reported.contains(&first) { reported } else { format!("{reported}: {first}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_fails_says_why() {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = client.get("http://127.0.0.1:1/stats").send().await.unwrap_err();
        assert!(!error.to_string().contains("refused"), "otherwise the root cause is not needed: {error}");
        let reported = with_cause(&error);
        assert!(reported.contains("http://127.0.0.1:1/stats") && reported.contains("refused"), "{reported}");
        assert_eq!(with_cause(&std::io::Error::other("alone")), "alone");
    }
}
