//! What may go to Telegram now: a plain decision over what waits, what is on its way and what was
//! sent lately. It knows no clock and sends nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use kymo_store::{ChatId, MessageId};

use super::job::Lane;
use super::message::Class;

/// A request's number; they grow.
pub(super) type Ticket = u64;

/// Time since some beginning.
pub(super) type Moment = Duration;

/// Telegram counts by arrival and we by departure: a little slack keeps the two apart.
const CHAT_SPACING: Duration = Duration::from_millis(1050);
const GROUP_WINDOW: Duration = Duration::from_millis(61_000);
const GROUP_ALL: usize = 20;
/// Two of a group's messages are kept for alerts.
const GROUP_NOT_ALERTS: usize = 18;
const GROUP_PANELS: usize = 15;
const OVERALL_WINDOW: Duration = Duration::from_millis(1050);
const OVERALL: usize = 30;
const ON_THE_WAY: usize = 32;
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Send(Ticket),
    /// Nothing before this moment, unless something is pushed or done.
    WaitUntil(Moment),
    /// Nothing until something is pushed or done.
    Idle,
}

/// How a request ended, as far as the schedule cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Telegram has answered, well or ill.
    Answered,
    /// The chat must rest.
    Flooded(Duration),
    /// It cannot have reached Telegram.
    Away,
    /// Telegram may or may not have done it.
    Lost,
}

/// What becomes of the request then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Finished,
    /// It waits again, in its old place.
    Again,
    /// A newer edit of its message waits already.
    Superseded,
}

#[derive(Default)]
pub(super) struct Schedule {
    chats: HashMap<Option<ChatId>, Chat>,
    /// When the last costly requests went out, whichever the chat.
    sent: VecDeque<Moment>,
    on_the_way: HashMap<Ticket, (Option<ChatId>, Lane)>,
    /// Telegram is away: how often in a row, and until when nothing is tried.
    failures: u32,
    away_until: Moment,
}

#[derive(Default)]
struct Chat {
    free: VecDeque<Ticket>,
    alerts: VecDeque<Waiting>,
    replies: VecDeque<Waiting>,
    panels: VecDeque<Waiting>,
    busy: HashSet<Class>,
    editing: HashSet<MessageId>,
    sent: VecDeque<(Moment, Class)>,
    paused_until: Moment,
}

#[derive(Clone, Copy)]
struct Waiting {
    ticket: Ticket,
    /// The ticket of the first edit in this place: a newer one does not lose its turn.
    turn: Ticket,
    edits: Option<MessageId>,
}

const CLASSES: [Class; 3] = [Class::Alert, Class::Reply, Class::Panel];

impl Schedule {
    /// Takes a request in. An edit takes the place of one that waits for the same message, whose ticket is returned.
    pub fn push(&mut self, ticket: Ticket, chat: Option<ChatId>, lane: Lane) -> Option<Ticket> {
        let queues = self.chats.entry(chat).or_default();
        match lane {
            Lane::Free => queues.free.push_back(ticket),
            Lane::Send(class) => {
                queues.queue(class).push_back(Waiting {
                    ticket,
                    turn: ticket,
                    edits: None,
                });
            }
            Lane::Edit(class, message) => {
                let (class, turn, older) = match queues.take_edit(message) {
                    Some((waits_as, older)) => (class.min(waits_as), older.turn, Some(older.ticket)),
                    None => (class, ticket, None),
                };
                queues.insert(
                    class,
                    Waiting {
                        ticket,
                        turn,
                        edits: Some(message),
                    },
                );
                return older;
            }
        }
        None
    }

    /// What to do at `now`. A request that is named here counts as sent.
    pub fn next(&mut self, now: Moment) -> Decision {
        if self.on_the_way.len() >= ON_THE_WAY || (self.failures > 0 && !self.on_the_way.is_empty()) {
            return Decision::Idle;
        }
        if !self.chats.values().any(Chat::waits) {
            return Decision::Idle;
        }
        if now < self.away_until {
            return Decision::WaitUntil(self.away_until);
        }
        let mut wait: Option<Moment> = None;
        let mut later = |at: Moment| wait = Some(wait.map_or(at, |earlier| earlier.min(at)));

        for (chat, queues) in &mut self.chats {
            if queues.free.is_empty() {
                continue;
            }
            if queues.paused_until > now {
                later(queues.paused_until);
                continue;
            }
            if let Some(ticket) = queues.free.pop_front() {
                self.on_the_way.insert(ticket, (*chat, Lane::Free));
                return Decision::Send(ticket);
            }
        }

        forget(&mut self.sent, |at| at + OVERALL_WINDOW <= now);
        let overall = match self.sent.front() {
            Some(first) if self.sent.len() >= OVERALL => *first + OVERALL_WINDOW,
            Some(_) | None => now,
        };
        for class in CLASSES {
            let mut first: Option<(Ticket, Option<ChatId>)> = None;
            for (chat, queues) in &mut self.chats {
                let Some(index) = queues.ready(class) else {
                    continue;
                };
                let turn = queues.queue(class)[index].turn;
                let at = queues
                    .free_at(class, chat.is_some_and(is_group), now)
                    .max(overall);
                if at > now {
                    later(at);
                } else if first.is_none_or(|(earlier, _)| turn < earlier) {
                    first = Some((turn, *chat));
                }
            }
            if let Some((_, chat)) = first
                && let Some(ticket) = self.depart(chat, class, now)
            {
                return Decision::Send(ticket);
            }
        }
        wait.map_or(Decision::Idle, Decision::WaitUntil)
    }

    /// A request that was sent has ended.
    pub fn done(&mut self, ticket: Ticket, ended: Ended, now: Moment) -> After {
        let Some((chat, lane)) = self.on_the_way.remove(&ticket) else {
            return After::Finished;
        };
        let queues = self.chats.entry(chat).or_default();
        match lane {
            Lane::Free => {}
            Lane::Send(class) => {
                queues.busy.remove(&class);
            }
            Lane::Edit(class, message) => {
                queues.busy.remove(&class);
                queues.editing.remove(&message);
            }
        }
        let again = match ended {
            Ended::Answered => {
                self.failures = 0;
                false
            }
            Ended::Flooded(pause) => {
                self.failures = 0;
                queues.paused_until = queues.paused_until.max(now + pause);
                true
            }
            Ended::Away | Ended::Lost => {
                // Requests that fail together are one failure.
                if now >= self.away_until {
                    let backoff = FIRST_BACKOFF * 2u32.saturating_pow(self.failures.min(10));
                    self.away_until = now + backoff.min(LONGEST_BACKOFF);
                    self.failures = self.failures.saturating_add(1);
                }
                // A second copy of a new message would be seen.
                ended == Ended::Away || !matches!(lane, Lane::Send(_))
            }
        };
        if !again {
            return After::Finished;
        }
        match lane {
            Lane::Free => queues.free.push_front(ticket),
            Lane::Send(class) => queues.insert(
                class,
                Waiting {
                    ticket,
                    turn: ticket,
                    edits: None,
                },
            ),
            Lane::Edit(class, message) => {
                if queues.waits_to_edit(message) {
                    return After::Superseded;
                }
                queues.insert(
                    class,
                    Waiting {
                        ticket,
                        turn: ticket,
                        edits: Some(message),
                    },
                );
            }
        }
        After::Again
    }

    /// What was sent and has not ended.
    pub fn on_the_way(&self) -> HashSet<Ticket> {
        self.on_the_way.keys().copied().collect()
    }

    /// Whether Telegram is known to be away.
    pub fn is_away(&self) -> bool {
        self.failures > 0
    }

    fn depart(&mut self, chat: Option<ChatId>, class: Class, now: Moment) -> Option<Ticket> {
        let queues = self.chats.get_mut(&chat)?;
        let index = queues.ready(class)?;
        let waiting = queues.queue(class).remove(index)?;
        queues.busy.insert(class);
        queues.sent.push_back((now, class));
        self.sent.push_back(now);
        let lane = match waiting.edits {
            Some(message) => {
                queues.editing.insert(message);
                Lane::Edit(class, message)
            }
            None => Lane::Send(class),
        };
        self.on_the_way.insert(waiting.ticket, (chat, lane));
        Some(waiting.ticket)
    }
}

impl Chat {
    fn waits(&self) -> bool {
        !(self.free.is_empty() && self.alerts.is_empty() && self.replies.is_empty() && self.panels.is_empty())
    }

    fn queue(&mut self, class: Class) -> &mut VecDeque<Waiting> {
        match class {
            Class::Alert => &mut self.alerts,
            Class::Reply => &mut self.replies,
            Class::Panel => &mut self.panels,
        }
    }

    /// The first request of a class that may go: one of a class at a time keeps the order, and
    /// one edit of a message at a time.
    fn ready(&self, class: Class) -> Option<usize> {
        if self.busy.contains(&class) {
            return None;
        }
        let queue = match class {
            Class::Alert => &self.alerts,
            Class::Reply => &self.replies,
            Class::Panel => &self.panels,
        };
        queue.iter().position(|waiting| {
            waiting
                .edits
                .is_none_or(|message| !self.editing.contains(&message))
        })
    }

    /// When the chat's budget lets a request of this class go.
    fn free_at(&mut self, class: Class, group: bool, now: Moment) -> Moment {
        forget(&mut self.sent, |(at, _)| at + GROUP_WINDOW <= now);
        let mut at = self.paused_until;
        if let Some((last, _)) = self.sent.back() {
            at = at.max(*last + CHAT_SPACING);
        }
        if group {
            at = at.max(self.window(GROUP_ALL, |_| true));
            at = match class {
                Class::Alert => at,
                Class::Reply => at.max(self.window(GROUP_NOT_ALERTS, |c| c != Class::Alert)),
                Class::Panel => at
                    .max(self.window(GROUP_NOT_ALERTS, |c| c != Class::Alert))
                    .max(self.window(GROUP_PANELS, |c| c == Class::Panel)),
            };
        }
        at
    }

    /// When fewer than `limit` of those counted stand in the last minute.
    fn window(&self, limit: usize, counted: impl Fn(Class) -> bool) -> Moment {
        let times = self
            .sent
            .iter()
            .filter(|(_, class)| counted(*class))
            .map(|(at, _)| *at);
        times
            .rev()
            .nth(limit - 1)
            .map_or(Moment::ZERO, |at| at + GROUP_WINDOW)
    }

    fn insert(&mut self, class: Class, waiting: Waiting) {
        let queue = self.queue(class);
        let place = queue
            .iter()
            .position(|other| other.turn > waiting.turn)
            .unwrap_or(queue.len());
        queue.insert(place, waiting);
    }

    fn take_edit(&mut self, message: MessageId) -> Option<(Class, Waiting)> {
        CLASSES.into_iter().find_map(|class| {
            let queue = self.queue(class);
            let index = queue.iter().position(|waiting| waiting.edits == Some(message))?;
            queue.remove(index).map(|waiting| (class, waiting))
        })
    }

    fn waits_to_edit(&self, message: MessageId) -> bool {
        [&self.alerts, &self.replies, &self.panels]
            .into_iter()
            .any(|queue| queue.iter().any(|waiting| waiting.edits == Some(message)))
    }
}

fn is_group(chat: ChatId) -> bool {
    chat.0 < 0
}

fn forget<T: Copy>(times: &mut VecDeque<T>, old: impl Fn(T) -> bool) {
    while times.front().is_some_and(|first| old(*first)) {
        times.pop_front();
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
