//! Where the proxy's lines come in. Called while a request is served: counts, and hands what is
//! new to another thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::seen::{Obstacle, Seen};
use super::tally::Tally;
use super::tell::Voice;
use crate::edge::journal::Observer;
use crate::logic::record::{Event, Line};

/// The counts, and who is told.
#[derive(Debug)]
pub(super) struct Watch {
    tally: Mutex<Tally>,
    voice: Voice,
}

impl Watch {
    pub(super) fn new(voice: Voice) -> Watch {
        Watch {
            tally: Mutex::default(),
            voice,
        }
    }

    /// The counts, at the end.
    pub(super) fn tally(&self) -> Tally {
        self.lock().clone().settled()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn see(&self, line: &Line) {
        let Some(seen) = Seen::of(line) else {
            return;
        };
        let news = self.lock().add(seen);
        if let Some((kind, detail)) = news {
            self.voice.tell(&kind, &detail);
        }
    }
    fn hear(&self, event: &Event) {
        let Some(obstacle) = Obstacle::of(event) else {
            return;
        };
        let news = self.lock().add_obstacle(obstacle);
        if let Some(obstacle) = news {
            self.voice.tell_obstacle(&obstacle);
        }
    }
}
