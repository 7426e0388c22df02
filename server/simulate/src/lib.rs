//! Plays scenario files on virtual time, through the allocator that serves production traffic, and reports the outcome.

mod decimal;
mod fault;

mod format;

mod workspace;

mod extent;

mod demand;
mod events;
mod expectation;

mod read;

mod log;
mod tally;
mod waterfill;

mod safety;
mod wanted;

mod shares;

mod check;
mod summary;

mod picture;
mod table;

mod plot;

pub use check::Findings;
pub use fault::{Fault, SimulateError};
pub use read::{Trial, load};
pub use summary::Summary;

use apportion_core::scenario::Record;
use std::io::{self, Write};
use tally::Tally;

/// A scenario that was played.
pub struct Run<'a> {
    trial: &'a Trial,
    records: Vec<Record>,
}

impl Trial {
    /// The `id` of the scenario.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Plays the scenario.
    ///
    /// # Errors
    /// [`SimulateError::Policy`] where an event makes a policy that breaks a rule.
    pub fn play(&self) -> Result<Run<'_>, SimulateError> {
        let of_file = |source| SimulateError::Policy { file: self.id.clone(), source };
        let records = apportion_core::scenario::replay(&self.scenario).map_err(of_file)?;
        Ok(Run { trial: self, records })
    }
}

impl Run<'_> {
    /// Writes the event log: one JSON object per line.
    ///
    /// # Errors
    /// Where `to` cannot be written.
    pub fn write_events(&self, to: &mut dyn Write) -> io::Result<()> {
        log::write(to, &self.trial.scenario, &self.records)
    }

    /// Draws who got what over time, as SVG.
    ///
    /// # Errors
    /// [`SimulateError::Plot`] where there are more windows than a picture shows.
    pub fn plot(&self) -> Result<String, SimulateError> {
        plot::draw(self.trial, &self.tally())
    }

    /// Sums up who got what of each window.
    pub fn summary(&self) -> Summary {
        summary::summary(self.trial, &self.tally())
    }

    /// Checks safety, then each expectation of the scenario.
    pub fn check(&self) -> Findings {
        check::check(self.trial, &self.tally())
    }

    fn tally(&self) -> Tally<'_> {
        Tally::new(&self.trial.scenario, &self.records)
    }
}
