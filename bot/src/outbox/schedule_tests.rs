//! The schedule against every order of requests, answers and waiting.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;

const GROUP: Option<ChatId> = Some(ChatId(-7));
const OTHER: Option<ChatId> = Some(ChatId(-8));
const PERSON: Option<ChatId> = Some(ChatId(7));

fn seconds(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

/// Sends all that may go until nothing waits, each answered at once; returns what went when.
fn run_dry(schedule: &mut Schedule, mut now: Moment) -> Vec<(Moment, Ticket)> {
    let mut sent = Vec::new();
    loop {
        match schedule.next(now) {
            Decision::Send(ticket) => {
                sent.push((now, ticket));
                schedule.done(ticket, Ended::Answered, now);
            }
            Decision::WaitUntil(later) => {
                assert!(later > now, "waiting for the past would spin");
                now = later;
            }
            Decision::Idle => return sent,
        }
    }
}

#[test]
fn alerts_overtake_replies_and_replies_panels() {
    let mut schedule = Schedule::default();
    schedule.push(1, GROUP, Lane::Edit(Class::Panel, MessageId(1)));
    schedule.push(2, GROUP, Lane::Send(Class::Reply));
    schedule.push(3, GROUP, Lane::Send(Class::Alert));
    schedule.push(4, GROUP, Lane::Free);
    let order: Vec<_> = run_dry(&mut schedule, seconds(0))
        .into_iter()
        .map(|(_, ticket)| ticket)
        .collect();
    assert_eq!(order, [4, 3, 2, 1]);
}

#[test]
fn an_answer_to_a_press_waits_for_no_budget() {
    let mut schedule = Schedule::default();
    for ticket in 0..40 {
        schedule.push(ticket, GROUP, Lane::Send(Class::Reply));
    }
    assert!(matches!(schedule.next(seconds(0)), Decision::Send(0)));
    assert!(matches!(
        schedule.next(seconds(0)),
        Decision::WaitUntil(_) | Decision::Idle
    ));
    schedule.push(99, None, Lane::Free);
    assert_eq!(schedule.next(seconds(0)), Decision::Send(99));
}

#[test]
fn only_the_newest_edit_of_a_message_waits_and_one_is_on_its_way() {
    let mut schedule = Schedule::default();
    let edit = Lane::Edit(Class::Panel, MessageId(1));
    assert_eq!(schedule.push(1, PERSON, edit), None);
    assert_eq!(schedule.next(seconds(0)), Decision::Send(1));
    assert_eq!(schedule.push(2, PERSON, edit), None);
    assert_eq!(
        schedule.push(3, PERSON, edit),
        Some(2),
        "the stale one is dropped"
    );
    assert_eq!(
        schedule.next(seconds(9)),
        Decision::Idle,
        "the first is not back yet"
    );
    schedule.done(1, Ended::Answered, seconds(9));
    assert_eq!(schedule.next(seconds(9)), Decision::Send(3));
}

#[test]
fn a_newer_edit_keeps_the_turn_of_the_one_it_replaces() {
    let mut schedule = Schedule::default();
    schedule.push(1, GROUP, Lane::Edit(Class::Panel, MessageId(1)));
    schedule.push(2, GROUP, Lane::Edit(Class::Panel, MessageId(2)));
    schedule.push(3, GROUP, Lane::Edit(Class::Panel, MessageId(1)));
    let order: Vec<_> = run_dry(&mut schedule, seconds(0))
        .into_iter()
        .map(|(_, ticket)| ticket)
        .collect();
    assert_eq!(order, [3, 2]);
}

#[test]
fn a_flooded_chat_rests_alone_and_what_it_refused_goes_again() {
    let mut schedule = Schedule::default();
    schedule.push(1, GROUP, Lane::Send(Class::Alert));
    schedule.push(2, OTHER, Lane::Send(Class::Panel));
    assert_eq!(schedule.next(seconds(0)), Decision::Send(1));
    assert_eq!(
        schedule.done(1, Ended::Flooded(seconds(30)), seconds(0)),
        After::Again
    );
    assert_eq!(schedule.next(seconds(0)), Decision::Send(2));
    schedule.done(2, Ended::Answered, seconds(0));
    assert_eq!(schedule.next(seconds(0)), Decision::WaitUntil(seconds(30)));
    assert_eq!(schedule.next(seconds(30)), Decision::Send(1));
}

#[test]
fn a_flooded_edit_gives_way_to_a_newer_one() {
    let mut schedule = Schedule::default();
    let edit = Lane::Edit(Class::Panel, MessageId(1));
    schedule.push(1, GROUP, edit);
    assert_eq!(schedule.next(seconds(0)), Decision::Send(1));
    schedule.push(2, GROUP, edit);
    assert_eq!(
        schedule.done(1, Ended::Flooded(seconds(3)), seconds(0)),
        After::Superseded
    );
    assert_eq!(schedule.next(seconds(3)), Decision::Send(2));
}

#[test]
fn an_alert_finds_room_in_a_group_full_of_panels_and_replies() {
    let mut schedule = Schedule::default();
    for ticket in 0..100 {
        let class = if ticket % 2 == 0 {
            Class::Panel
        } else {
            Class::Reply
        };
        schedule.push(ticket, GROUP, Lane::Send(class));
    }
    let mut now = seconds(0);
    while now < seconds(300) {
        match schedule.next(now) {
            Decision::Send(ticket) => {
                schedule.done(ticket, Ended::Answered, now);
            }
            Decision::WaitUntil(later) => now = later,
            Decision::Idle => break,
        }
        let mut probe = Schedule::default();
        std::mem::swap(&mut probe, &mut schedule);
        probe.push(1000, GROUP, Lane::Send(Class::Alert));
        let wait = match probe.next(now) {
            Decision::Send(1000) => seconds(0),
            Decision::WaitUntil(later) => later - now,
            other => panic!("{other:?}"),
        };
        assert!(wait <= CHAT_SPACING, "an alert would wait {wait:?}");
        // Taken back: the next round asks again.
        match probe.chats.get_mut(&GROUP) {
            Some(chat) if !chat.alerts.is_empty() => chat.alerts.clear(),
            _ => {
                probe.on_the_way.clear();
                if let Some(chat) = probe.chats.get_mut(&GROUP) {
                    chat.busy.clear();
                    chat.sent.pop_back();
                }
                probe.sent.pop_back();
            }
        }
        schedule = probe;
    }
}

#[test]
fn while_telegram_is_away_one_request_at_a_time_asks_and_less_and_less_often() {
    let mut schedule = Schedule::default();
    schedule.push(1, GROUP, Lane::Send(Class::Alert));
    schedule.push(2, OTHER, Lane::Send(Class::Alert));
    let mut now = seconds(0);
    let mut tries = 0;
    while now < seconds(60) {
        match schedule.next(now) {
            Decision::Send(ticket) => {
                tries += 1;
                assert_eq!(schedule.done(ticket, Ended::Away, now), After::Again);
            }
            Decision::WaitUntil(later) => now = later,
            Decision::Idle => panic!("it must ask again"),
        }
    }
    assert!((10..25).contains(&tries), "{tries}");
    assert!(schedule.is_away());
}

#[test]
fn a_new_message_whose_answer_was_lost_is_not_sent_twice() {
    let mut schedule = Schedule::default();
    schedule.push(1, GROUP, Lane::Send(Class::Reply));
    schedule.push(2, OTHER, Lane::Edit(Class::Panel, MessageId(1)));
    let mut ended = BTreeMap::new();
    for _ in 0..2 {
        if let Decision::Send(ticket) = schedule.next(seconds(0)) {
            ended.insert(ticket, ());
        }
    }
    assert_eq!(ended.len(), 2);
    assert_eq!(schedule.done(1, Ended::Lost, seconds(0)), After::Finished);
    assert_eq!(schedule.done(2, Ended::Lost, seconds(0)), After::Again);
}

/// What may happen to the outbox.
#[derive(Clone, Debug)]
enum Step {
    Push(Option<ChatId>, Lane),
    Wait(u64),
    /// The n-th request that is on its way ends.
    End(usize, Ended),
}

fn any_class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Alert), Just(Class::Reply), Just(Class::Panel)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let chat = prop_oneof![Just(GROUP), Just(OTHER), Just(PERSON)];
    let lane = prop_oneof![
        Just(Lane::Free),
        any_class().prop_map(Lane::Send),
        (any_class(), 1..4i64).prop_map(|(class, id)| Lane::Edit(class, MessageId(id))),
    ];
    let ended = prop_oneof![
        6 => Just(Ended::Answered),
        1 => (1..5u64).prop_map(|s| Ended::Flooded(seconds(s))),
        1 => Just(Ended::Away),
        1 => Just(Ended::Lost),
    ];
    prop_oneof![
        4 => (chat, lane).prop_map(|(chat, lane)| Step::Push(chat, lane)),
        2 => (0..3000u64).prop_map(Step::Wait),
        3 => (0..8usize, ended).prop_map(|(which, ended)| Step::End(which, ended)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_the_limits_hold_and_nothing_is_forgotten(steps in prop::collection::vec(any_step(), 1..150)) {
        let mut schedule = Schedule::default();
        let mut now = seconds(0);
        let mut lanes: HashMap<Ticket, (Option<ChatId>, Lane)> = HashMap::new();
        let mut waiting: BTreeSet<Ticket> = BTreeSet::new();
        let mut away: Vec<Ticket> = Vec::new();
        let mut sent: Vec<(Moment, Option<ChatId>, Class)> = Vec::new();
        let mut paused: HashMap<Option<ChatId>, Moment> = HashMap::new();
        let mut ticket = 0;
        // In the end everything is answered, so that everything must have gone.
        let ending = (0..4000).map(|_| None);
        for step in steps.into_iter().map(Some).chain(ending) {
            match step {
                Some(Step::Push(chat, lane)) => {
                    ticket += 1;
                    if let Some(older) = schedule.push(ticket, chat, lane) {
                        prop_assert!(waiting.remove(&older), "only what waits is replaced");
                    }
                    waiting.insert(ticket);
                    lanes.insert(ticket, (chat, lane));
                }
                Some(Step::Wait(millis)) => now += Duration::from_millis(millis),
                Some(Step::End(which, ended)) if !away.is_empty() => {
                    let done = away.remove(which % away.len());
                    if let Ended::Flooded(pause) = ended {
                        let until = paused.entry(lanes[&done].0).or_default();
                        *until = (*until).max(now + pause);
                    }
                    if schedule.done(done, ended, now) == After::Again {
                        waiting.insert(done);
                    }
                }
                Some(Step::End(..)) => {}
                None => {
                    for done in away.drain(..) {
                        schedule.done(done, Ended::Answered, now);
                    }
                }
            }
            loop {
                match schedule.next(now) {
                    Decision::Send(going) => {
                        prop_assert!(waiting.remove(&going));
                        let (chat, lane) = lanes[&going];
                        prop_assert!(paused.get(&chat).is_none_or(|until| *until <= now), "the chat rests");
                        if let Lane::Edit(_, message) = lane {
                            let twice = away.iter().any(|other| {
                                let (there, lane) = lanes[other];
                                there == chat && matches!(lane, Lane::Edit(_, m) if m == message)
                            });
                            prop_assert!(!twice, "two edits of one message at once");
                        }
                        if let Lane::Send(class) | Lane::Edit(class, _) = lane {
                            sent.push((now, chat, class));
                        }
                        away.push(going);
                    }
                    Decision::WaitUntil(later) => {
                        prop_assert!(later > now);
                        if step.is_none() {
                            now = later;
                        }
                        break;
                    }
                    Decision::Idle => break,
                }
            }
            if step.is_none() && waiting.is_empty() {
                break;
            }
        }
        prop_assert!(waiting.is_empty(), "still waiting: {waiting:?}");
        for (index, (at, chat, class)) in sent.iter().enumerate() {
            let earlier = |window: u64| {
                sent[..=index].iter().filter(move |(then, _, _)| *then + Duration::from_millis(window) > *at)
            };
            let here = |window: u64| earlier(window).filter(move |(_, there, _)| there == chat);
            prop_assert!(here(1000).count() <= 1, "one a second in a chat");
            prop_assert!(earlier(1000).count() <= 30, "thirty a second overall");
            if chat.is_some_and(|chat| chat.0 < 0) {
                prop_assert!(here(60_000).count() <= 20, "twenty a minute in a group");
                let panels = here(60_000).filter(|(_, _, class)| *class == Class::Panel).count();
                prop_assert!(*class != Class::Panel || panels <= 15, "fifteen of them panels");
            }
        }
    }
}
