//! What a typical service does about a 429: it waits as long as the response asks, or else twice as long each time, with jitter.

use std::time::Duration;

use hyper::HeaderMap;

use crate::provider::headers::RETRY_AFTER;
use crate::random::Random;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);

/// The waits of one request.
#[derive(Debug)]
pub struct Backoff {
    most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { most: FIRST }
    }
}

impl Backoff {
    /// The next wait: from half of a bound up to it, but not less than the response asks for.
    pub fn next(&mut self, random: &mut Random, headers: &HeaderMap) -> Duration {
        let wait = self.most / 1000 * random.from_to(500, 1000);
        self.most = (self.most * 2).min(LONGEST);
        wait.max(retry_after(headers))
    }
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_never_shorter_than_the_provider_asks() {
        let (mut backoff, mut random, mut headers) =
            (Backoff::default(), Random::new(1), HeaderMap::default());
        for most_ms in [500, 1000, 2000, 4000, 8000, 8000] {
            let wait = backoff.next(&mut random, &headers).as_millis();
            assert!((most_ms / 2..=most_ms).contains(&wait), "{wait} of {most_ms} ms");
        }
        headers.insert(RETRY_AFTER, 30.into());
        assert_eq!(backoff.next(&mut random, &headers), Duration::from_secs(30));
    }
}
