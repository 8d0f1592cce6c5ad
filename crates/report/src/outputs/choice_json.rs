//! An answer to somebody who has to choose a pattern, for programs.

use serde_json::{Value, json};

use crate::{
    estimates::{
        choice::{Candidate, Choice, Resource},
        costs::{Costs, Origin},
        estimate::{Estimate, Scaled},
        wish::{Circumstance, Wish},
    },
    text::number::six_digits,
};

/// The answer with the same numbers as in the terminal, and for each where it comes from.
pub(crate) fn json(choice: &Choice) -> String {
    let measured = choice.costs.as_ref().map(|costs| match costs.origin {
        Origin::Here => "measured here",
        Origin::Elsewhere => "measured elsewhere",
    });
    let cheapest = |resource: Resource| -> Vec<&str> {
        choice.cheapest(resource).into_iter().map(contract::Pattern::slug).collect()
    };
    let answer = json!({
        "asked": asked(&choice.wish),
        "costs": choice.costs.as_ref().map(costs),
        "patterns": choice.candidates.iter().map(|of| candidate(of, measured)).collect::<Vec<_>>(),
        "cheapest": {
            "bytes": cheapest(Resource::Bytes),
            "cpu": cheapest(Resource::Cpu),
            "memory": cheapest(Resource::Memory),
        },
        "advice": choice.advice,
    });
    format!("{answer:#}\n")
}

fn asked(wish: &Wish) -> Value {
    json!({
        "rate_hz": wish.rate_hz,
        "subscribers": wish.subscribers,
        "freshness_ms": wish.freshness.milliseconds(),
        "rtt_ms": wish.rtt.milliseconds(),
        "payload_bytes": wish.payload_bytes,
        "idle_timeout_ms": wish.idle_timeout.milliseconds(),
        "two_way": wish.has(Circumstance::TwoWay),
        "behind_proxy": wish.has(Circumstance::BehindProxy),
        "browser": wish.has(Circumstance::Browser),
        "tls": wish.has(Circumstance::Tls),
    })
}

fn costs(costs: &Costs) -> Value {
    json!({ "run": costs.run, "environment": costs.environment, "here": costs.origin == Origin::Here })
}

fn candidate(of: &Candidate, measured: Option<&str>) -> Value {
    json!({
        "pattern": of.pattern,
        "settings": of.estimate.as_ref().map(|estimate| estimate.params),
        "ruled_out": of.ruled_out,
        "needs": of.needs,
        "numbers": of.estimate.as_ref().map(|estimate| numbers(estimate, measured)),
    })
}

fn numbers(of: &Estimate, measured: Option<&str>) -> Value {
    let model = |value: Option<f64>| json!({ "value": value.and_then(six_digits), "basis": "model only" });
    let age = |index: usize| model(of.ages_ms.as_ref().ok().map(|ages_ms| ages_ms[index]));
    let scaled = |scaled: &Option<Scaled>| {
        scaled.as_ref().map(|scaled| {
            json!({
                "value": six_digits(scaled.value),
                "basis": measured,
                "each": six_digits(scaled.each),
                "quantity": scaled.quantity.key(),
                "nearest": scaled.point,
            })
        })
    };
    json!({
        "age_p50_ms": age(0),
        "age_p99_ms": age(1),
        "requests_per_s": model(Some(of.requests_hz)),
        "bytes_per_s": model(of.bytes_hz.as_ref().ok().copied()),
        "connections": model(Some(of.connections)),
        "cpu_cores": scaled(&of.cpu_cores),
        "memory_user_bytes": scaled(&of.memory_user),
        "memory_kernel_bytes": scaled(&of.memory_kernel),
    })
}
