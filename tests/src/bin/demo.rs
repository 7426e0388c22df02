//! Plays services that share a budget, without and then with Apportion, and shows the result as a table and a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use apportion_tests::demo::live::Live;
use apportion_tests::demo::measurements::Measurements;
use apportion_tests::demo::plan::{Cast, Plan};
use apportion_tests::demo::play::play;
use apportion_tests::demo::{picture, service, supervisor, table, targets};
use apportion_tests::provider::Rules;
use serde::de::DeserializeOwned;

const USAGE: &str = "\
usage: demo [--polyglot] [--seconds N] [--svg FILE] [--rules RULES] [--only-apportion]

Four services call a simulated provider, for a minute each on its own and for a minute through Apportion.
  --polyglot         five services instead, the examples of the client libraries, through Apportion only
  --seconds N        length of each round, rounded up to whole windows (default 60)
  --svg FILE         where to write the picture (default target/demo.svg, or target/demo-polyglot.svg)
  --rules RULES      settings of the provider that differ from Intercom's, as JSON: {\"limit\": 80, \"window_ms\": 5000}
  --only-apportion   play the second round only
Exit status: 0 if every target is met, 1 if one is missed, 2 on an error.";
const WITHOUT: &str = "Each on its own";
const WITH: &str = "Through Apportion";

struct Arguments {
    plan: Plan,
    svg: PathBuf,
    only_apportion: bool,
}

fn arguments() -> Result<Arguments, String> {
    let (mut cast, mut seconds, mut svg) = (Cast::Departments, 60, None);
    let (mut rules, mut only_apportion) = (None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--seconds" => seconds = value()?.parse().map_err(|error| format!("--seconds: {error}"))?,
            "--svg" => svg = Some(value()?),
            "--rules" => rules = Some(json(&value()?)?),
            "--polyglot" => (cast, only_apportion) = (Cast::Languages, true),
            "--only-apportion" => only_apportion = true,
            _ => return Err(USAGE.into()),
        }
    }
    if !(1..=600).contains(&seconds) {
        return Err(format!("--seconds is {seconds}: it must be from 1 to 600"));
    }
    let rules: Rules = rules.unwrap_or_default();
    let svg = svg.unwrap_or_else(|| match cast {
        Cast::Departments => "target/demo.svg".into(),
        Cast::Languages => "target/demo-polyglot.svg".into(),
    });
    Ok(Arguments { plan: Plan::new(cast, rules.checked()?, seconds), svg: svg.into(), only_apportion })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
}

/// Whether every target is met.
async fn demo(arguments: &Arguments) -> Result<bool, String> {
    let plan = &arguments.plan;
    plan.cast.prepare()?;
    let without = match arguments.only_apportion {
        true => None,
        false => Some(measure(plan, WITHOUT, false).await?),
    };
    let with = measure(plan, WITH, true).await?;
    let mut rounds: Vec<_> = without.iter().map(|without| (WITHOUT, without)).collect();
    rounds.push((WITH, &with));
    println!("\n{}", table::table(plan.cast, &rounds));
    picture::draw(&arguments.svg, plan, &rounds)?;
    let targets = targets::targets(plan.cast, &with, without.as_ref());
    targets.iter().for_each(|target| println!("{target}"));
    println!("\npicture: {}", arguments.svg.display());
    Ok(targets.iter().all(|target| target.is_met))
}

async fn measure(plan: &Plan, name: &'static str, with_apportion: bool) -> Result<Measurements, String> {
    let round = play(plan, with_apportion, &mut Live::of(name)).await?;
    Ok(Measurements::of(plan, &round))
}

async fn run() -> Result<bool, String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // The demo starts itself again with these.
    match given.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["service", assignment] => service::serve(json(assignment)?).await.map(|()| true),
        ["supervise", plan] => supervisor::supervise(&json(plan)?).await.map(|()| true),
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
