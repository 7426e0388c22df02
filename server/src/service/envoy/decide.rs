//! One descriptor of RLS: a lease that is used at once, one that is given back at once, or permits that come back.

use super::answer::{Decision, over_limit};
use super::lessee::{Lessee, is_unknown};
use super::taken::{Take, Taker, Takes};
use crate::convert::domain::DomainPolicy;
use crate::convert::envoy::{Described, Hits};
use crate::error::Error;
use crate::service::authorize::Identity;
use crate::service::lease_calls::LeaseCalls;
use apportion_core::ids::TeamId;
use apportion_core::permits::Permits;
use apportion_proto::v1;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who asks, about which domain, and how long the answer may take.
pub(super) struct Asking<'a> {
    pub(super) calls: &'a LeaseCalls,
    pub(super) takes: &'a Takes,
    pub(super) who: &'a Arc<Identity>,
    pub(super) domain_id: &'a str,
    pub(super) domain: &'a DomainPolicy,
    /// When the answer must be on its way; none where Envoy waits for as long as it takes.
    pub(super) answer_by: Option<Instant>,
}

/// A lease with the team that it was granted to, which may be another one than was named.
struct Taken {
    lease: v1::Lease,
    team: TeamId,
    whom: Described,
}

impl Asking<'_> {
    /// Decides on each descriptor. Where one is over the limit, the request is not sent: what was taken for the others goes back.
    ///
    /// # Errors
    /// What could not be decided; what was taken has gone back then.
    pub(super) async fn decide(&self, asked: Vec<(Described, Hits)>) -> Result<Vec<Decision>, Error> {
        let (mut decisions, mut taken, mut undecided) = (Vec::new(), Vec::new(), None);
        for (whom, hits) in asked {
            match self.decide_one(whom, hits, &mut taken).await {
                Ok(decision) => decisions.push(decision),
                Err(error) => match over_limit(&error) {
                    Some(reason) => decisions.push(Decision::OverLimit { error, reason }),
                    None => {
                        undecided = Some(error);
                        break;
                    }
                },
            }
        }
        let is_over = decisions.iter().any(|decision| matches!(decision, Decision::OverLimit { .. }));
        for taken in taken {
            if is_over || undecided.is_some() {
                self.undo(&taken).await;
            } else {
                self.remember(taken);
            }
        }
        undecided.map_or(Ok(decisions), Err)
    }

    async fn decide_one(
        &self,
        whom: Described,
        hits: Hits,
        taken: &mut Vec<Taken>,
    ) -> Result<Decision, Error> {
        let permits = match hits {
            Hits::Take(permits) => permits,
            Hits::Check => Permits::ONE,
            Hits::GiveBack(permits) => {
                self.give_back(&whom, permits).await;
                return Ok(Decision::GivenBack);
            }
        };
        let new = self.take(whom, permits).await?;
        let (left, until_window_end) = (new.lease.left_permits, new.lease.until_window_end);
        if hits == Hits::Check {
            self.undo(&new).await;
            return Ok(Decision::Granted { left: left.saturating_add(1), until_window_end });
        }
        taken.push(new);
        Ok(Decision::Granted { left, until_window_end })
    }

    /// Takes permits for the team that is named, or for the default team where that is not known.
    async fn take(&self, whom: Described, permits: Permits) -> Result<Taken, Error> {
        let default = &self.domain.default_team;
        let is_strict = self.domain.refuse_unknown;
        let team = match &whom.team {
            Some(team) => team.clone(),
            None if is_strict => return Err(Error::UnknownTeam),
            None => default.clone(),
        };
        match self.acquire(&whom, &team, permits).await {
            Err(error) if !is_strict && team != *default && is_unknown(&error) => {
                let lease = self.acquire(&whom, default, permits).await?;
                Ok(Taken { lease, team: default.clone(), whom })
            }
            lease => Ok(Taken { lease: lease?, team, whom }),
        }
    }

    async fn acquire(&self, whom: &Described, team: &TeamId, permits: Permits) -> Result<v1::Lease, Error> {
        self.lessee(team, whom).acquire((permits, permits), self.domain.max_wait, self.answer_by).await
    }

    fn lessee<'a>(&'a self, team: &'a TeamId, whom: &'a Described) -> Lessee<'a> {
        let Self { calls, who, domain, .. } = self;
        let (workspace, caller) = (&domain.workspace, &whom.caller);
        Lessee { calls, who, workspace, team, caller, priority: whom.priority }
    }

    fn remember(&self, taken: Taken) {
        let taker = self.taker(&taken.team, &taken.whom);
        let until = taken.lease.until_window_end.and_then(|left| Duration::try_from(left).ok());
        let v1::Lease { lease_id, permits, .. } = taken.lease;
        self.takes.add(taker, lease_id, permits, until.unwrap_or_default(), Instant::now());
    }

    /// Gives back what was taken for a request that is not sent.
    async fn undo(&self, taken: &Taken) {
        let v1::Lease { lease_id, permits, .. } = &taken.lease;
        self.lessee(&taken.team, &taken.whom).give_back(lease_id, *permits, *permits).await;
    }

    /// Gives back permits, as far as this Envoy took them in this window.
    async fn give_back(&self, whom: &Described, permits: Permits) {
        let default = &self.domain.default_team;
        let named = whom.team.as_ref().unwrap_or(default);
        let mut left = permits.get();
        // A team that is not known took its permits as the default team.
        for team in [Some(named), Some(default).filter(|_| named != default)].into_iter().flatten() {
            let (takes, more) = self.takes.give_back(&self.taker(team, whom), left, Instant::now());
            left = more;
            for Take { lease_id, permits, returned, .. } in takes {
                self.lessee(team, whom).give_back(&lease_id, permits, returned).await;
            }
        }
    }

    fn taker(&self, team: &TeamId, whom: &Described) -> Taker {
        Taker {
            identity: self.who.name.clone(),
            domain: self.domain_id.to_owned(),
            team: team.clone(),
            caller: whom.caller.clone(),
        }
    }
}
