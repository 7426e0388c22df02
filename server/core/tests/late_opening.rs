//! A window that opens late holds back expected demand from its opening on, not from its nominal start.

use apportion_core::ids::{CallerId, LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals, Demand, Record, Scenario, replay};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

const ORIGIN: Timestamp = Timestamp::from_ns(86_400_000_000_000);

fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a small number")
}

fn demand(team: &str, priority: Priority, shape: Arrivals) -> Demand {
    Demand {
        team: TeamId::new(team).expect("a name"),
        caller: CallerId::new("only").expect("a name"),
        priority: Some(priority),
        permits: Permits::ONE,
        min_permits: Permits::ONE,
        max_wait: None,
        tag: None,
        shape,
    }
}

/// 80 permits in each 4 s, of which the start is known to `within`: eight workers of weight 3 beside a backlog of weight 1, and one
/// of a lower priority with a floor of 5 %.
fn scenario(within: Span) -> Scenario {
    let limit = LimitId::new("limit").expect("a name");
    let window = Span::from_secs(4);
    let limits = LimitPolicy {
        id: limit.clone(),
        permits: permits(80),
        window,
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let team = |id, weight| TeamPolicy { weight, ..TeamPolicy::new(TeamId::new(id).expect("a name")) };
    let mut policy = Policy::plain(limits, vec![team("workers", 3), team("backlog", 1), team("low", 1)]);
    policy.floors[Priority::Sheddable] = Share::from_percent(5);
    let workers = Arrivals::Workers { count: 8, think: Span::from_ms(150), from: ORIGIN };
    let backlog = Arrivals::Backlog { from: ORIGIN };
    Scenario {
        policy,
        origin: ORIGIN,
        start_within: BTreeMap::from([(limit, within)]),
        windows: 12,
        demand: vec![
            demand("workers", Priority::Default, workers),
            demand("backlog", Priority::Default, backlog.clone()),
            demand("low", Priority::Sheddable, backlog),
        ],
        events: Vec::new(),
    }
}

/// What a team was granted from the third window on, in all.
fn granted(log: &[Record], of: &str) -> u32 {
    let permits = log.iter().map(|record| match record {
        Record::Grant { team, window, permits, .. } if team.as_str() == of && *window > 1 => permits.get(),
        _ => 0,
    });
    permits.sum()
}

#[test]
fn weights_and_floors_hold_however_late_a_window_opens() {
    for ms in [0, 300, 1_000, 1_500] {
        let log = replay(&scenario(Span::from_ms(ms))).expect("a policy that holds");
        let [workers, backlog, low] = ["workers", "backlog", "low"].map(|team| granted(&log, team));
        assert_eq!(workers + backlog + low, 800, "{ms} ms: nothing is lost");
        assert!((38..=42).contains(&low), "{ms} ms: {low} of a floor of 40");
        let all = workers + backlog;
        let off = (4 * backlog).abs_diff(all);
        assert!(off * 100 <= 8 * all, "{ms} ms: {workers} : {backlog} of 3 : 1");
    }
}
