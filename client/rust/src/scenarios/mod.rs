//! What a client does over time, on a clock that the tests stop: against a scripted service, without a network.

mod script;

mod calls;
mod closing;
mod deadlines;
mod outages;
mod prefetching;
mod reports;
mod signals;
