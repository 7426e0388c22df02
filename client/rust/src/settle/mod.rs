//! Reports of how leases were used: merged by lease, and sent in few calls by one task, so that settling never blocks its caller.
//!
//! `report` says what a report is and how long it may wait for company; `pending` holds the reports that wait, as a function of
//! now; `outcome` reads what the server made of them; `task` sends them.

mod report;

mod pending;

mod outcome;
mod task;

pub(crate) use report::{LeaseReport, Urgency, WAITING_OBSERVATIONS_MAX};
pub(crate) use task::ReportSender;
