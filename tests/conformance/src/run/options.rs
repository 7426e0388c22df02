//! The command line of the runner.

/// What to run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Drivers by name; all if empty.
    pub drivers: Vec<String>,
    /// Parts of the names of cases; all if empty.
    pub cases: Vec<String>,
    /// Whether everything that happens is printed.
    pub is_verbose: bool,
    /// Whether cases are only listed.
    pub is_list: bool,
    /// Processes of each driver.
    pub lanes: usize,
    /// How often each case is played.
    pub repeat: usize,
}

impl Default for Options {
    fn default() -> Self {
        let (drivers, cases) = (Vec::new(), Vec::new());
        Self { drivers, cases, is_verbose: false, is_list: false, lanes: 4, repeat: 1 }
    }
}

impl Options {
    /// Reads a command line. A bare word is a part of the name of a case, as in other tests.
    ///
    /// # Errors
    /// Names what is not understood.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            let number = |text: String| text.parse().map_err(|_| format!("{text} is not a number"));
            match argument.as_str() {
                "--driver" => options.drivers.push(value()?),
                "--case" => options.cases.push(value()?),
                "--lanes" => options.lanes = number(value()?)?,
                "--repeat" => options.repeat = number(value()?)?,
                "--verbose" => options.is_verbose = true,
                "--list" => options.is_list = true,
                // Flags of the usual test harness that make no difference here.
                "--nocapture" | "--no-capture" | "--quiet" | "-q" | "--show-output" => {}
                other if other.starts_with("--test-threads=") => {}
                other if other.starts_with('-') => {
                    return Err(format!(
                        "{other}: the options are --driver NAME, --case PART, --verbose, --list, --lanes N, --repeat N"
                    ));
                }
                part => options.cases.push(part.into()),
            }
        }
        if options.lanes == 0 || options.repeat == 0 {
            return Err("--lanes and --repeat are at least 1".into());
        }
        Ok(options)
    }

    /// Whether a case is to be run.
    pub fn has_case(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|part| name.contains(part.as_str()))
    }

    /// Whether a driver is to be run.
    pub fn has_driver(&self, name: &str) -> bool {
        self.drivers.is_empty() || self.drivers.iter().any(|driver| driver == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn drivers_and_cases_are_chosen_by_name_and_part() {
        let options = parse("--driver go share --case idle --nocapture").unwrap();
        assert!(options.has_driver("go") && !options.has_driver("java"));
        assert!(options.has_case("fallback/share-refills") && options.has_case("calls/idle"));
        assert!(!options.has_case("tls/wrong-authority"));
        assert!(parse("").unwrap().has_case("anything"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for line in ["--drive go", "--lanes", "--lanes many", "--lanes 0"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
