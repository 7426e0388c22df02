//! Plays scenarios on one laboratory, and judges them.

use super::lab::Lab;
use super::scenarios::{ALL, Scenario};
use super::verdict::{Row, judge};

/// How often each scenario is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Few faults, not every scenario, and slack for a machine that is busy with other things.
    Short,
    /// All of them.
    Whole,
}

/// Plays those scenarios whose names contain one of some words, or all, and judges each.
pub async fn run(form: Form, words: &[String]) -> Vec<Row> {
    let mut lab = Lab::start().await;
    lab.settled().await;
    lab.pass_a_window().await;
    let before = lab.resources();
    let is_chosen = |scenario: &&Scenario| {
        words.is_empty() || words.iter().any(|word| scenario.name.contains(word.as_str()))
    };
    let mut trials = Vec::new();
    for scenario in ALL.iter().filter(is_chosen) {
        let faults = if form == Form::Short { scenario.few } else { scenario.many };
        if faults > 0 {
            let trial = scenario.play(&mut lab, faults).await;
            let target = scenario.target;
            trials.push((trial, if form == Form::Short { target.on_a_busy_machine() } else { target }));
        }
    }
    lab.pass_a_window().await;
    lab.judge_changes().await;
    let (report, errors) = lab.stop().await;
    judge(&trials, &report, &errors, before)
}
