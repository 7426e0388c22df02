//! What a response means, on a second path: every case of `tests/conformance/signals` is interpreted here, by the rules of
//! `docs/signals.md` and without the code of any client. The Rust client must read the same.

mod text;

mod times;

mod items;

mod body;

mod interpret;

mod client;
mod files;

use client::read_by_client;
use files::{case_files, expected, presets, signals};
use interpret::{Reading, interpret};
use serde_json::Value;
use std::fs;

#[test]
fn every_case_reads_as_it_says() {
    let (mut broken, mut cases) = (Vec::new(), 0);
    for (name, file) in case_files() {
        for case in file["cases"].as_array().expect("cases") {
            let signals = signals(&file, case);
            let reading = interpret(&signals, &case["response"]);
            cases += 1;
            for reading in [reading, read_by_client(&signals, &case["response"])] {
                if reading != expected(case) {
                    broken.push(format!("{name}: {}\n  read {reading:?}", case["name"]));
                }
            }
        }
    }
    assert!(cases > 100, "only {cases} cases were found");
    assert!(broken.is_empty(), "{} of {cases} cases read otherwise:\n{}\n", broken.len(), broken.join("\n"));
}

#[test]
fn every_preset_has_cases_from_its_documents() {
    let files = case_files();
    for preset in &apportion_server::preset::ALL {
        let of = files.iter().find(|(_, file)| file["preset"] == preset.name);
        let (_, file) = of.unwrap_or_else(|| panic!("{} has no file", preset.name));
        assert!(
            file["source"].as_str().is_some_and(|source| source.starts_with("https://")),
            "{}",
            preset.name
        );
        assert!(file["cases"].as_array().is_some_and(|cases| cases.len() >= 3), "{}", preset.name);
    }
}

#[test]
fn the_committed_signals_of_presets_are_current() {
    let path = files::directory().join("presets.json");
    let current = format!("{:#}\n", presets());
    if std::env::var_os("APPORTION_BLESS").is_some() {
        fs::write(&path, &current).expect("it can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "run `APPORTION_BLESS=1 cargo test -p apportion-tests --test signals` and commit the change"
    );
}

#[test]
fn the_client_reads_any_response_as_the_second_path_does() {
    let files = case_files();
    let cases: Vec<_> = files
        .iter()
        .flat_map(|(_, file)| file["cases"].as_array().expect("cases").iter().map(move |case| (file, case)))
        .collect();
    let mut at = 0;
    apportion_fuzz::fuzz(|noise| {
        at = (at + 1) % cases.len();
        let (file, case) = cases[at];
        let mut response = case["response"].clone();
        for line in response["headers"].as_array_mut().into_iter().flatten() {
            let value = line[1].as_str().unwrap_or_default().to_owned();
            line[1] = Value::from(String::from_utf8_lossy(&noise.changed(value.as_bytes())).into_owned());
        }
        let signals = signals(file, case);
        let reading: Reading = interpret(&signals, &response);
        assert!(reading.observations.len() <= 17);
        assert_eq!(read_by_client(&signals, &response), reading, "{response}");
    });
}
