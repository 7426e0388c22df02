//! Every preset: whether its limits can be served, and its signals as a file.

use crate::signals::SignalsTable;
use apportion_proto::v1;

/// A provider.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Why its limits cannot be served yet; none where they are.
    pub unserved: Option<&'static str>,
    /// Its signals, in the syntax of a policy file.
    text: &'static str,
}

impl Preset {
    /// What its responses say.
    pub fn signals(&self) -> v1::Signals {
        let table: Result<SignalsTable, _> = toml::from_str(self.text);
        // A test reads each.
        table.map(|table| (&table).into()).unwrap_or_default()
    }
}

/// Every preset.
pub const ALL: [Preset; 10] = [
    Preset { name: "intercom", unserved: None, text: include_str!("intercom.toml") },
    Preset {
        name: "hubspot",
        unserved: Some("a window that rolls, and a calendar day in the time zone of the account"),
        text: include_str!("hubspot.toml"),
    },
    Preset {
        name: "shopify-rest",
        unserved: Some("a leaky bucket"),
        text: include_str!("shopify-rest.toml"),
    },
    Preset {
        name: "github",
        unserved: Some("a window that the first request opens, and concurrency"),
        text: include_str!("github.toml"),
    },
    Preset {
        name: "zendesk",
        unserved: Some("the plan decides the limit, and endpoints have limits of their own"),
        text: include_str!("zendesk.toml"),
    },
    Preset { name: "slack", unserved: Some("a limit for each method"), text: include_str!("slack.toml") },
    Preset {
        name: "openai",
        unserved: Some("tokens, and minutes that are enforced in smaller parts"),
        text: include_str!("openai.toml"),
    },
    Preset {
        name: "anthropic",
        unserved: Some("a token bucket, and limits on tokens"),
        text: include_str!("anthropic.toml"),
    },
    Preset {
        name: "discord",
        unserved: Some("windows that the first request opens, and buckets that are learned"),
        text: include_str!("discord.toml"),
    },
    Preset {
        name: "ietf",
        unserved: Some("the standard headers imply no limit"),
        text: include_str!("ietf.toml"),
    },
];
