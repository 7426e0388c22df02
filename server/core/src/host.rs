//! Connects the allocator of a workspace with the shard that books for it: what one asks for, in the terms of the other.
//!
//! Translates and decides nothing. A host pulls the effects of both, carries them out, and passes replies back; where allocators
//! and shards live in different threads, [`ShardInput`] and [`ShardReply`] are the messages between them.

use crate::allocator::{Allocator, Effect};
use crate::ids::WorkspaceId;
use crate::ledger::{BookRefusal, MarkKey, ShardInput, ShardReply, Version, WantedBlock};

/// The input of the shard for what the allocator of `workspace` asks for under the policy of `policy_version`.
pub fn shard_input(workspace: WorkspaceId, policy_version: Version, effect: Effect) -> ShardInput {
    match effect {
        Effect::Book { limit, series, window, permits, budget, ahead } => ShardInput::Want(WantedBlock {
            workspace,
            limit,
            window,
            permits,
            budget,
            ahead,
            policy_version,
            series,
        }),
        Effect::Learn { limit, learned } => ShardInput::Learn { workspace, limit, learned },
        Effect::Exhausted { limit, window, budget } => {
            let key = MarkKey { workspace, limit, window_start: window.start.earliest };
            ShardInput::Exhausted { key, window, budget }
        }
        Effect::State(statement) => ShardInput::State { workspace, statement },
    }
}

/// Applies a reply of the shard to the allocator that it is for. Call [`Allocator::decide`] next.
pub fn apply_reply(allocator: &mut Allocator, reply: ShardReply) {
    match reply {
        ShardReply::Booked { series, window_start, from, to } => {
            allocator.booked(series, window_start, from, to);
        }
        ShardReply::Refused { series, window_start, why: BookRefusal::Spent | BookRefusal::Closed } => {
            allocator.window_spent(series, window_start);
        }
        ShardReply::Refused { series, window_start, .. } => allocator.book_refused(series, window_start),
        ShardReply::Stated { life, number } => allocator.stated(life, number),
        ShardReply::StoreLost(is_lost) => allocator.set_store_lost(is_lost),
    }
}
