//! Plays a budget that services share, without and then with Apportion, and shows what came of it as a table and a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use apportion_tests::demo::figures::Figures;
use apportion_tests::demo::half::{Half, play};
use apportion_tests::demo::live::Live;
use apportion_tests::demo::plan::Plan;
use apportion_tests::demo::{keeper, picture, service, table, verdict};
use apportion_tests::provider::Rules;
use serde::de::DeserializeOwned;

const USAGE: &str = "\
usage: demo [--seconds N] [--svg FILE] [--rules RULES] [--only-apportion]

Four services call a stand-in of the provider for a minute on their own, and for a minute through Apportion.
  --seconds N        so long each, in whole windows (60)
  --svg FILE         where the picture goes (target/demo.svg)
  --rules RULES      how the provider differs from Intercom, as one JSON object: {\"limit\": 80, \"window_ms\": 5000}
  --only-apportion   the second half alone
Exits with 1 if an aim is missed, with 2 if it cannot be played.";
const WITHOUT: &str = "Each on its own";
const WITH: &str = "Through Apportion";

struct Arguments {
    plan: Plan,
    svg: PathBuf,
    only_apportion: bool,
}

fn arguments() -> Result<Arguments, String> {
    let (mut seconds, mut svg, mut rules, mut only_apportion) = (60, "target/demo.svg".into(), None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--seconds" => seconds = value()?.parse().map_err(|error| format!("--seconds: {error}"))?,
            "--svg" => svg = value()?.into(),
            "--rules" => rules = Some(json(&value()?)?),
            "--only-apportion" => only_apportion = true,
            _ => return Err(USAGE.into()),
        }
    }
    if !(1..=600).contains(&seconds) {
        return Err(format!("--seconds is {seconds}, not from 1 to 600"));
    }
    let rules: Rules = rules.unwrap_or_default();
    Ok(Arguments { plan: Plan::new(rules.checked()?, seconds), svg, only_apportion })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
}

/// Whether every aim is met.
async fn demo(arguments: &Arguments) -> Result<bool, String> {
    let plan = &arguments.plan;
    let mut halves: Vec<(&str, Half)> = Vec::new();
    if !arguments.only_apportion {
        halves.push((WITHOUT, play(plan, false, &mut Live::of(WITHOUT)).await?));
    }
    halves.push((WITH, play(plan, true, &mut Live::of(WITH)).await?));
    let figures: Vec<_> = halves.iter().map(|(name, half)| (*name, Figures::of(plan, half))).collect();
    let shown: Vec<_> = figures.iter().map(|(name, figures)| (*name, figures)).collect();
    println!("\n{}", table::table(&shown));
    picture::draw(&arguments.svg, plan, &shown)?;
    let (with, without) = (&figures[figures.len() - 1].1, (figures.len() > 1).then(|| &figures[0].1));
    let aims = verdict::verdict(with, without);
    aims.iter().for_each(|aim| println!("{aim}"));
    println!("\npicture: {}", arguments.svg.display());
    Ok(aims.iter().all(|aim| aim.met))
}

async fn run() -> Result<bool, String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // The demo starts itself again, with these.
    match given.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["service", orders] => service::serve(json(orders)?).await.map(|()| true),
        ["keep", plan] => keeper::keep(&json(plan)?).await.map(|()| true),
        _ => demo(&arguments()?).await,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}
