//! A row of the table of figures.

/// Prints what was measured, the figure and its aim.
pub(crate) fn row(what: &str, measured: String, aim: &str) {
    println!("{what:<52} {measured:>14}   {aim}");
}
