//! What holds of the allocator over thousands of random scenarios. A failure names its seed, which gives the same
//! scenario again.

mod cases;

mod deadlines;
mod floors;
mod oracle;
mod siblings;
mod water_filling;
mod workers;
