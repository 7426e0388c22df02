//! A limit of a policy file.

use apportion_proto::v1;
use serde::Deserialize;

/// A limit as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct LimitTable {
    id: String,
    permits: u32,
    window: String,
    phase: Option<String>,
    start_margin: Option<String>,
    guard: Option<String>,
    lease_life: Option<String>,
}

impl LimitTable {
    /// The limit as it goes over the wire, without its defaults.
    pub(super) fn wire(&self) -> Result<v1::Limit, String> {
        let optional =
            |key, text: &Option<String>| text.as_ref().map(|text| self.span(key, text)).transpose();
        Ok(v1::Limit {
            limit_id: self.id.clone(),
            permits: self.permits,
            window: Some(self.span("window", &self.window)?),
            phase: optional("phase", &self.phase)?,
            start_margin: optional("start_margin", &self.start_margin)?,
            guard: optional("guard", &self.guard)?,
            lease_life: optional("lease_life", &self.lease_life)?,
        })
    }

    fn span(&self, key: &str, text: &str) -> Result<prost_types::Duration, String> {
        let refused = |_| format!("limit {}: {key}: {text:?} is not a duration, such as \"0.85s\"", self.id);
        text.parse().map_err(refused)
    }
}
