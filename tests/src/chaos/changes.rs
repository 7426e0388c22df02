//! Changes of policy and tokens through every node in turn, all the time, and whether each acknowledged one is in force and audited once.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::names::{SECRET, WORKSPACE};
use crate::process::pass;

/// How many teams take turns.
const TEAMS: usize = 5;
/// The time from one change to the next.
const EVERY: Duration = Duration::from_millis(150);
/// How long a change may take.
const DEADLINE: Duration = Duration::from_secs(3);
/// How many tokens live at a time.
const TOKENS: usize = 6;
/// How long a deleted token may still open a node that runs.
const SOON: Duration = Duration::from_secs(1);

/// Whether a change was acknowledged; one that was not may have happened or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Done,
    Unknown,
}

/// A token, its secret where that is known, and what was said of its creation and its deletion.
#[derive(Clone, Debug)]
struct Token {
    id: String,
    secret: Option<String>,
    created: Told,
    deleted: Option<Told>,
}

/// All changes.
#[derive(Debug, Default)]
struct Made {
    series: usize,
    weights: BTreeMap<usize, Vec<(u32, Told)>>,
    tokens: Vec<Token>,
}

/// Changes that go on until they are judged.
#[derive(Debug)]
pub struct Changes {
    nodes: Vec<Channel>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Made>,
}

/// What was judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JudgedChanges {
    /// Changes that were acknowledged.
    pub acknowledged: usize,
    /// Changes that ended with an error, and may have happened.
    pub unknown: usize,
}

impl Changes {
    /// Creates the teams, and starts to change them and tokens. Another series has other teams and tokens.
    pub async fn start(nodes: Vec<Channel>, series: usize) -> Self {
        for team in 0..TEAMS {
            let request = v1::CreateTeamRequest {
                parent: format!("workspaces/{WORKSPACE}"),
                team_id: format!("t{series}-{team}"),
                team: Some(v1::Team::default()),
                ..v1::CreateTeamRequest::default()
            };
            admin(&nodes[team % nodes.len()])
                .create_team(bearing(SECRET, request))
                .await
                .expect("a new team");
        }
        let (stop, is_stopped) = watch::channel(false);
        let task = tokio::spawn(go_on(nodes.clone(), series, is_stopped));
        Self { nodes, stop, task }
    }

    /// Stops, and judges by what every node says. All must run. Panics where a change was lost, made twice, or is not in force.
    pub async fn judge(self) -> JudgedChanges {
        let _ = self.stop.send(true);
        let made = self.task.await.expect("no panic");
        pass(SOON).await;
        for node in &self.nodes {
            for (team, weights) in &made.weights {
                in_force(node, name(made.series, *team), weights).await;
            }
        }
        // A node looks at only so many wrong tokens a second.
        for (token, node) in made.tokens.iter().zip(self.nodes.iter().cycle()) {
            opens(node, token).await;
        }
        let entries = audited(&self.nodes[0]).await;
        audited_once(&made, &entries);
        let weights = made.weights.values().flatten().map(|(_, told)| *told);
        let tokens = made.tokens.iter().flat_map(|token| [Some(token.created), token.deleted]).flatten();
        let all: Vec<_> = weights.chain(tokens).collect();
        let acknowledged = all.iter().filter(|told| **told == Told::Done).count();
        JudgedChanges { acknowledged, unknown: all.len() - acknowledged }
    }
}

async fn go_on(nodes: Vec<Channel>, series: usize, is_stopped: watch::Receiver<bool>) -> Made {
    let mut made = Made { series, ..Made::default() };
    for change in 0.. {
        if *is_stopped.borrow() {
            break;
        }
        let node = &nodes[change % nodes.len()];
        match change % 4 {
            0 => made.tokens.push(create(node, format!("k{series}-{change}")).await),
            1 => {
                let live = made.tokens.iter().filter(|token| token.deleted.is_none()).count();
                if live > TOKENS
                    && let Some(token) = made.tokens.iter_mut().find(|token| token.deleted.is_none())
                {
                    token.deleted = Some(delete(node, &token.id).await);
                }
            }
            _ => {
                let team = change / 2 % TEAMS;
                let weights = made.weights.entry(team).or_default();
                let weight = u32::try_from(weights.len()).expect("few changes") + 2;
                weights.push((weight, weigh(node, name(series, team), weight).await));
            }
        }
        pass(EVERY).await;
    }
    made
}

fn admin(node: &Channel) -> AdminServiceClient<Channel> {
    AdminServiceClient::new(node.clone())
}

/// A request of the holder of a secret, with a deadline.
fn bearing<T>(secret: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    let header = format!("Bearer {secret}").parse().expect("printable");
    request.metadata_mut().insert("authorization", header);
    request
}

/// What is known of a change that was answered so. A refusal that says that nothing was done would be one of these codes.
fn told<T>(answer: &Result<T, Status>) -> Told {
    match answer {
        Ok(_) => Told::Done,
        Err(status) => {
            let is_wrong = matches!(
                status.code(),
                Code::InvalidArgument | Code::PermissionDenied | Code::Unauthenticated | Code::Internal
            );
            assert!(!is_wrong, "{status}");
            Told::Unknown
        }
    }
}

/// The answer of a node, or that it gave none in time: a node that is cut off sends none.
async fn answered<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let most = DEADLINE + Duration::from_millis(500);
    let answer = tokio::time::timeout(most, call).await;
    answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))
}

fn name(series: usize, team: usize) -> String {
    format!("workspaces/{WORKSPACE}/teams/t{series}-{team}")
}

async fn weigh(node: &Channel, name: String, weight: u32) -> Told {
    let team = v1::Team { name, weight: Some(weight), ..v1::Team::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["weight".into()] });
    let request = v1::UpdateTeamRequest { team: Some(team), update_mask, ..v1::UpdateTeamRequest::default() };
    let mut admin = admin(node);
    told(&answered(admin.update_team(bearing(SECRET, request))).await)
}

async fn create(node: &Channel, id: String) -> Token {
    let scopes = vec![v1::Scope { workspace: WORKSPACE.into(), team: String::new() }];
    let token = Some(v1::Token { role: v1::Role::Observer.into(), scopes, ..v1::Token::default() });
    let request = v1::CreateTokenRequest { token_id: id.clone(), token, ..v1::CreateTokenRequest::default() };
    let mut admin = admin(node);
    let answer = answered(admin.create_token(bearing(SECRET, request))).await;
    let created = told(&answer);
    Token { id, secret: answer.ok().map(|answer| answer.into_inner().secret), created, deleted: None }
}

async fn delete(node: &Channel, id: &str) -> Told {
    let request =
        v1::DeleteTokenRequest { name: format!("tokens/{id}"), ..v1::DeleteTokenRequest::default() };
    let mut admin = admin(node);
    let answer = answered(admin.delete_token(bearing(SECRET, request))).await;
    // A token whose creation was not acknowledged need not be there.
    let is_absent = answer.as_ref().is_err_and(|status| status.code() == Code::NotFound);
    if is_absent { Told::Unknown } else { told(&answer) }
}

/// Fails unless the weight of a team is the last one that was acknowledged, or a later one.
async fn in_force(node: &Channel, name: String, weights: &[(u32, Told)]) {
    let last = weights.iter().rposition(|(_, told)| *told == Told::Done).unwrap_or(0);
    let request = bearing(SECRET, v1::GetTeamRequest { name: name.clone() });
    let shown = admin(node).get_team(request).await.expect("a team").into_inner();
    let weight = shown.team.and_then(|team| team.weight).unwrap_or(1);
    let allowed: Vec<_> = weights[last..].iter().map(|(weight, _)| *weight).collect();
    let none = last == 0 && weight == 1;
    assert!(none || allowed.contains(&weight), "{name} has the weight {weight}, not one of {allowed:?}");
}

/// Fails unless a token opens the node, or no longer opens it, as was acknowledged.
async fn opens(node: &Channel, token: &Token) {
    let Some(secret) = &token.secret else { return };
    let code = loop {
        let request = v1::GetWorkspaceRequest { name: format!("workspaces/{WORKSPACE}") };
        let code =
            admin(node).get_workspace(bearing(secret, request)).await.err().map(|status| status.code());
        if code != Some(Code::ResourceExhausted) {
            break code;
        }
        // Only so many wrong tokens a second are looked at.
        pass(Duration::from_millis(100)).await;
    };
    match token.deleted {
        None => assert_eq!(code, None, "{token:?} was created"),
        Some(Told::Done) => assert_eq!(code, Some(Code::Unauthenticated), "{token:?} was deleted"),
        Some(Told::Unknown) => {
            assert!(matches!(code, None | Some(Code::Unauthenticated)), "{token:?}: {code:?}")
        }
    }
}

/// All entries of the audit log.
async fn audited(node: &Channel) -> Vec<v1::AuditEntry> {
    let (mut entries, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListAuditEntriesRequest {
            page_size: 1_000,
            page_token,
            ..v1::ListAuditEntriesRequest::default()
        };
        let page =
            admin(node).list_audit_entries(bearing(SECRET, request)).await.expect("a page").into_inner();
        entries.extend(page.audit_entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return entries;
        }
    }
}

fn audited_once(made: &Made, entries: &[v1::AuditEntry]) {
    let mut seen: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for entry in entries {
        let weight = entry.changes.iter().find(|change| change.path == "weight");
        let after = weight.and_then(|change| change.after.as_deref()).unwrap_or_default();
        *seen.entry((&entry.method, &entry.resource, after)).or_default() += 1;
    }
    let is_once = |method: &str, resource: &str, after: &str, told: Told| {
        let count = seen.get(&(method, resource, after)).copied().unwrap_or_default();
        let is_right = count == 1 || (told == Told::Unknown && count == 0);
        assert!(is_right, "{method} {resource} {after} was {told:?} and is in the audit {count} times");
    };
    for (team, weights) in &made.weights {
        for (weight, told) in weights {
            is_once("UpdateTeam", &name(made.series, *team), &weight.to_string(), *told);
        }
    }
    for token in &made.tokens {
        let resource = format!("tokens/{}", token.id);
        is_once("CreateToken", &resource, "", token.created);
        token.deleted.iter().for_each(|told| is_once("DeleteToken", &resource, "", *told));
    }
}
