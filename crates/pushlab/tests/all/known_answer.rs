//! A server that holds every event back by a known time: the instrument must find it.

use crate::lab::{Lab, records};

#[test]
fn a_delay_on_purpose_is_in_the_ages_and_not_in_the_lateness() {
    let lab = Lab::new();
    let delay = [("delivery_delay", "\"900ms\""), ("delivery_jitter", "\"50ms\"")];
    lab.scenario("held", &delay);
    // This test does not ask whether the numbers of a shared machine are trustworthy.
    lab.run(&["bench", "held"]);
    let records = records(&lab.only_run());
    let held = records.iter().find(|record| record.scenario == "held").unwrap();
    let measured = held.measurements().unwrap();
    // 40 events per second, 1.2 s, two subscribers; the last events arrive after the drain of 500 ms.
    assert_eq!((measured.delivery.expected, measured.delivery.received), (96, 96));
    assert_eq!((measured.delivery.reordered, measured.publisher.published), (0, 48));
    assert!(measured.age.arrived.min_us >= 900_000, "{} us", measured.age.arrived.min_us);
    // The publisher's thread hands an event over at its due, or later.
    assert!(measured.lateness.max_us < measured.age.arrived.min_us, "{} us", measured.lateness.max_us);
    assert_eq!(measured.lateness.count, 40, "the window's events");
}
