//! What a shard asks of its store. At most one question is in flight, and a write carries everything that is pending.

use super::booking::Booking;
use super::effect::ShardEffect;
use super::flight::{Flight, FlightState, Purpose, RecordWrite};
use super::shard::{Shard, Stage};
use super::store::Guard;
use crate::time::Timestamp;

impl Shard {
    /// Starts what is due, where no question is in flight.
    pub(super) fn pump(&mut self, now: Timestamp) {
        if self.flight.is_some() {
            return;
        }
        match (&self.stage, &self.held) {
            (Stage::Taking, _) => {
                self.flight = Some(Flight::default());
                self.read();
            }
            (Stage::Serving, Some(_)) if !self.pending.is_empty() => self.book(now),
            (Stage::Leaving(..), Some(_)) => self.leave(now),
            _ => {}
        }
    }

    /// Sends one write that carries everything that is pending.
    fn book(&mut self, now: Timestamp) {
        let nonce = self.fresh_nonce();
        let Some((base, version)) = &self.held else { return };
        let runway = self.horizon.runway;
        let Booking { new, raises, refused, mut guards } = self.pending.book(base, nonce, now, runway);
        let nothing = raises.is_empty() && !self.pending.has_news();
        let expected = Some(*version);
        let mut carried = std::mem::take(&mut self.pending);
        for (key, why) in refused {
            if let Some(want) = carried.wanted.remove(&key) {
                self.refuse(key, &want, why);
            }
        }
        if nothing {
            self.pending.put_back(carried);
        } else {
            guards.push(Guard::Incarnation(new.incarnation));
            self.send(RecordWrite {
                raises,
                carried,
                ..RecordWrite::new(Purpose::Book, expected, new, guards)
            });
        }
    }

    /// Sends the write that gives the shard away.
    fn leave(&mut self, now: Timestamp) {
        let nonce = self.fresh_nonce();
        let (Stage::Leaving(to, granted), Some((base, version))) = (&self.stage, &self.held) else { return };
        let base = self.pending.book(base, nonce, now, self.horizon.runway).new;
        // Of a window that is not named nobody knows what was granted: all of it counts as spent.
        let unspent = granted.iter().filter_map(|(key, granted)| {
            let booked = self.booked.get(key).filter(|booked| !booked.exhausted)?;
            Some((key.clone(), booked.permits.less(*granted)))
        });
        let new = base.hand_over(to.clone(), unspent);
        let guards = vec![Guard::Incarnation(new.incarnation)];
        self.send(RecordWrite::new(Purpose::HandOver, Some(*version), new, guards));
    }

    pub(super) fn send(&mut self, write: RecordWrite) {
        let token = self.fresh_token();
        self.emit(ShardEffect::Cas {
            token,
            expected: write.expected,
            new: Box::new(write.new.clone()),
            guards: write.guards.clone(),
        });
        self.flight =
            Some(Flight { token, state: FlightState::Writing, write: Some(write), ..Flight::default() });
    }

    pub(super) fn read(&mut self) {
        let token = self.fresh_token();
        if let Some(flight) = &mut self.flight {
            flight.token = token;
            flight.state = FlightState::Reading;
            self.emit(ShardEffect::Read { token });
        }
    }
}
