//! Random messages that their calls accept, before any byte is changed.

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Part;
use apportion_tests::random::Random;
use prost::Message;

/// A source of random messages of one caller.
pub(crate) struct Messages {
    pub(crate) random: Random,
    pub(crate) caller: String,
    /// Leases that the caller holds, and has not used.
    pub(crate) leases: Vec<String>,
}

impl Messages {
    /// A request for a lease.
    pub(crate) fn acquire(&mut self) -> v1::AcquireLeaseRequest {
        v1::AcquireLeaseRequest {
            workspace: self.random.one_of(&["", "default", "fuzz"]).into(),
            caller: self.caller.clone(),
            permits: Some(self.random.from_to(0, 3)),
            max_wait: Some(prost_types::Duration {
                seconds: 0,
                nanos: self.random.one_of(&[0, 0, 100_000_000]),
            }),
            request_id: self.random.one_of(&["", "", "again"]).into(),
            ..v1::AcquireLeaseRequest::default()
        }
    }

    /// A settle of a lease that is held, or of none.
    fn settle(&mut self) -> v1::SettleLeaseRequest {
        let most = u32::try_from(self.leases.len().saturating_sub(1)).expect("few");
        let lease = self.random.from_to(0, most) as usize;
        v1::SettleLeaseRequest {
            caller: self.caller.clone(),
            lease_id: self.leases.get(lease).cloned().unwrap_or_default(),
            returned_permits: self.random.from_to(0, 4),
            is_final: self.random.chance(50),
            ..v1::SettleLeaseRequest::default()
        }
    }

    /// A call and a message for it.
    pub(crate) fn any(&mut self) -> (&'static str, Vec<u8>) {
        let (name, parent) = ("workspaces/fuzz".to_owned(), "workspaces/fuzz".to_owned());
        let workspace =
            Some(v1::Workspace { name: name.clone(), preset: "intercom".into(), ..Default::default() });
        let team_name = format!("{name}/teams/t{}", self.random.from_to(0, 3));
        let weight = Some(self.random.from_to(0, 9));
        let team = Some(v1::Team { name: team_name.clone(), weight, ..v1::Team::default() });
        let (id, page_size) = (self.random.any() % 50, 5);
        match self.random.from_to(0, 15) {
            0..=2 => ("QuotaService/AcquireLease", self.acquire().encode_to_vec()),
            3..=4 => ("QuotaService/SettleLease", self.settle().encode_to_vec()),
            5 => {
                let requests = vec![self.settle(), self.settle()];
                ("QuotaService/BatchSettleLeases", v1::BatchSettleLeasesRequest { requests }.encode_to_vec())
            }
            6..=7 => {
                let part = match self.random.from_to(0, 2) {
                    0 => Part::Settle(self.settle().into()),
                    1 => Part::Cancel(v1::Cancel {}),
                    _ => Part::Acquire(self.acquire().into()),
                };
                ("QuotaService/Exchange", v1::ExchangeRequest { id, request: Some(part) }.encode_to_vec())
            }
            8 => {
                let request = v1::WatchWorkspaceRequest { workspace: "default".into(), ..Default::default() };
                ("QuotaService/WatchWorkspace", request.encode_to_vec())
            }
            9 => {
                let workspace_id = "fuzz".into();
                let request = v1::CreateWorkspaceRequest { workspace_id, workspace, ..Default::default() };
                ("AdminService/CreateWorkspace", request.encode_to_vec())
            }
            10 => {
                let request = v1::UpdateWorkspaceRequest { workspace, ..Default::default() };
                ("AdminService/UpdateWorkspace", request.encode_to_vec())
            }
            11 => {
                let request = v1::DeleteWorkspaceRequest { name, force: true, ..Default::default() };
                ("AdminService/DeleteWorkspace", request.encode_to_vec())
            }
            12 => {
                let team_id = team_name.rsplit('/').next().unwrap_or_default().into();
                let request = v1::CreateTeamRequest { parent, team_id, team, ..Default::default() };
                ("AdminService/CreateTeam", request.encode_to_vec())
            }
            13 => {
                let request = v1::UpdateTeamRequest { team, ..Default::default() };
                ("AdminService/UpdateTeam", request.encode_to_vec())
            }
            14 => {
                let request = v1::ListTeamsRequest { parent, page_size, ..Default::default() };
                ("AdminService/ListTeams", request.encode_to_vec())
            }
            _ => {
                let request = v1::ListAuditEntriesRequest { page_size, ..Default::default() };
                ("AdminService/ListAuditEntries", request.encode_to_vec())
            }
        }
    }
}
