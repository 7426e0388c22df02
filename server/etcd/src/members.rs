//! The connections to the members, and which of them is asked now. A member that fails is left for the next one.

use crate::options::EtcdOptions;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection is probed. etcd closes one that is probed more often than every 5 seconds.
const PING_INTERVAL: Duration = Duration::from_secs(6);
/// How long a probe may take.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// The members of an etcd.
#[derive(Debug)]
pub(crate) struct Members {
    channels: Vec<Channel>,
    current: AtomicUsize,
}

impl Members {
    /// Connections that come up with the first call. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with an address or a file.
    pub(crate) fn new(options: &EtcdOptions) -> Result<Self, String> {
        if options.members.is_empty() {
            return Err("no member of etcd is named".into());
        }
        let (scheme, tls) = match &options.tls {
            None => ("http", None),
            Some(files) => {
                let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&files.ca)?));
                if let Some((certificate, key)) = &files.identity {
                    tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
                }
                ("https", Some(tls))
            }
        };
        let channel = |member: &String| {
            let wrong = |error| format!("{member}: {error}");
            let endpoint = Endpoint::from_shared(format!("{scheme}://{member}")).map_err(wrong)?;
            let endpoint = match &tls {
                None => endpoint,
                Some(tls) => endpoint.tls_config(tls.clone()).map_err(wrong)?,
            };
            Ok(endpoint
                .connect_timeout(CONNECT_TIMEOUT)
                .http2_keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_TIMEOUT)
                .keep_alive_while_idle(true)
                .tcp_nodelay(true)
                .connect_lazy())
        };
        let channels = options.members.iter().map(channel).collect::<Result<_, String>>()?;
        Ok(Self { channels, current: AtomicUsize::new(0) })
    }

    pub(crate) fn count(&self) -> usize {
        self.channels.len()
    }

    /// The member to ask now, and its number.
    pub(crate) fn current(&self) -> (usize, Channel) {
        let number = self.current.load(Ordering::Acquire) % self.channels.len();
        (number, self.channels[number].clone())
    }

    /// Asks the next member from now on, unless somebody else has left this one already.
    pub(crate) fn leave(&self, number: usize) {
        let next = (number + 1) % self.channels.len();
        let _ = self.current.compare_exchange(number, next, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
