//! The client libraries bear the version of the server.

use crate::source::read;

/// Where a client states its version, and the line that does so.
const STATED: [(&str, &str); 6] = [
    ("client/go/config.go", "const Version = \"{}\""),
    (
        "client/java/apportion-client/src/main/java/dev/apportion/Quota.java",
        "    public static final String VERSION = \"{}\";",
    ),
    ("client/java/pom.xml", "  <version>{}</version>"),
    ("client/node/package.json", "  \"version\": \"{}\","),
    ("client/python/pyproject.toml", "version = \"{}\""),
    ("client/python/src/apportion/__init__.py", "__version__ = \"{}\""),
];

/// The places that do not state the version.
fn others<'a>(version: &str, read: impl Fn(&str) -> String, stated: &[(&'a str, &str)]) -> Vec<&'a str> {
    let differs =
        |file: &str, line: &str| !read(file).lines().any(|found| found == line.replace("{}", version));
    stated.iter().filter(|(file, line)| differs(file, line)).map(|(file, _)| *file).collect()
}

#[test]
fn every_client_has_the_version_of_the_server() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(others(version, read, &STATED), Vec::<&str>::new(), "they must state {version}");
    assert_eq!(others("9.9.9", read, &STATED).len(), STATED.len(), "a version that differs is noticed");
}
