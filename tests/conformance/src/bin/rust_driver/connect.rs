//! The configuration of a client, from what a case asks for.

use std::time::Duration;

use apportion_client::{Config, Fallback};
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;
use apportion_conformance::v1::{self, fallback};

use crate::failure::{self, unsupported};

pub(crate) fn config(connect: &v1::Connect) -> Result<Config, Outcome> {
    let is_more = connect.connect_timeout_ms.is_some() || connect.close_timeout_ms.is_some();
    if is_more || !connect.settings.is_empty() {
        return Err(unsupported("timeouts and further settings"));
    }
    let (first, others) = connect.addresses.split_first().ok_or_else(|| unsupported("no address"))?;
    let mut config = others.iter().fold(Config::new(first), Config::address);
    if !connect.workspace.is_empty() {
        config = config.workspace(&connect.workspace);
    }
    if !connect.team.is_empty() {
        config = config.team(&connect.team);
    }
    if !connect.caller.is_empty() {
        config = config.caller(&connect.caller);
    }
    if !connect.token.is_empty() {
        config = config.token(&connect.token);
    }
    if !connect.token_file.is_empty() {
        config = config.token_file(&connect.token_file);
    }
    if connect.insecure {
        config = config.insecure();
    }
    if let Some(tls) = &connect.tls {
        config = secured(config, tls)?;
    }
    let chosen = connect.fallback.as_ref().and_then(|fallback| fallback.fallback);
    Ok(chosen.into_iter().fold(config, |config, chosen| config.fallback(fallback(chosen))))
}

fn secured(mut config: Config, tls: &v1::Tls) -> Result<Config, Outcome> {
    if !tls.certificate_authority_file.is_empty() {
        config = config.certificate_authority(read(&tls.certificate_authority_file)?);
    }
    if !tls.certificate_file.is_empty() {
        config = config.client_certificate(read(&tls.certificate_file)?, read(&tls.key_file)?);
    }
    if !tls.server_name.is_empty() {
        config = config.server_name(&tls.server_name);
    }
    Ok(config)
}

fn read(path: &str) -> Result<Vec<u8>, Outcome> {
    std::fs::read(path).map_err(|error| failure::of(Kind::Config, format!("{path}: {error}")))
}

fn fallback(chosen: fallback::Fallback) -> Fallback {
    match chosen {
        fallback::Fallback::Deny(_) => Fallback::Deny,
        fallback::Fallback::Wait(_) => Fallback::Wait,
        fallback::Fallback::Share(share) => {
            Fallback::Share { permits: share.permits, window: Duration::from_millis(share.window_ms) }
        }
    }
}
