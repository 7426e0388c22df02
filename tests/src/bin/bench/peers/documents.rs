//! What peers have published about themselves. Other machines, other loads: it says what an operator may expect of each, and
//! compares nothing.

/// Name; figure; machine; source.
const PUBLISHED: [[&str; 4]; 5] = [
    [
        "throttlecrab-server",
        "gRPC: 163 000 requests/s, p50 188 µs, p99 377 µs (32 threads of load)",
        "machine not named",
        "https://docs.rs/crate/throttlecrab-server/0.4.40/source/README.md",
    ],
    [
        "gubernator",
        "one node in production: over 2000 requests/s, most batched answers within 1 ms",
        "machine not named",
        "https://github.com/gubernator-io/gubernator/blob/v2.13.0/README.md#performance",
    ],
    [
        "envoyproxy/ratelimit with Redis",
        "production at Lyft in 2017: 200 000 to 250 000 requests/s, p99 2 ms",
        "about 100 AWS c4.xlarge, their processors 40 % busy",
        "https://github.com/envoyproxy/ratelimit/issues/26",
    ],
    ["limitador", "none published for the service", "", "https://github.com/Kuadrant/limitador"],
    [
        "Doorman",
        "none published for the server; its load test shows what its clients send",
        "",
        "https://github.com/youtube/doorman/blob/master/doc/loadtest/README.md",
    ],
];

/// Prints it.
pub(crate) fn table() {
    println!("\npublished by peers; measured on this machine by make bench-peers");
    for [name, figure, machine, source] in PUBLISHED {
        let machine = if machine.is_empty() { String::new() } else { format!("; {machine}") };
        println!("{name:<33} {figure}{machine}\n{:<33} {source}", "");
    }
}
