//! Whoever has no role is met with silence, whatever they send; whoever has a low one is told so.

use std::time::Duration;

use kymo_runlog::order;
use kymo_runlog::{Log, LogConfig};
use kymo_store::{Person as Member, PersonId, Role, Store};
use rand::seq::IndexedRandom as _;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::callback::{CardStep, RunButton, WorkerStep, solver_tag};
use crate::desk::Context;
use crate::outbox::Jobs;
use crate::panel::Orders;

const STRANGER: i64 = 666;
const OWNER: i64 = 1;

/// A desk whose outbox leads nowhere: whoever were answered would wait for ever.
struct Silence {
    dispatcher: Dispatcher,
    desk: Arc<Desk>,
    log: Arc<dyn Log>,
    jobs: Jobs,
    _panels: Orders,
    _folder: tempfile::TempDir,
}

async fn silence() -> Silence {
    // In memory where there is such a folder: every stranger is a durable write.
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder");
    let address: LogConfig = format!("embedded:{}", folder.path().display())
        .parse()
        .expect("an address");
    let log = kymo_runlog::open(&address).await.expect("the log opens");
    log.create(&order::topic()).await.expect("a topic");
    let store = Store::open(&folder.path().join("kymo.sqlite").display().to_string())
        .await
        .expect("a store");
    let config = crate::BotConfig {
        token: "1:token".into(),
        // Nobody listens there.
        api_url: Some("http://127.0.0.1:9".parse().expect("an address")),
        listen: ([127, 0, 0, 1], 0).into(),
        door_token: "door".into(),
        database: store.database().to_owned(),
        data: folder.path().to_owned(),
        admins: vec![OWNER],
        workers: crate::WorkerHost::Child {
            command: vec!["/bin/false".into()],
        },
    };
    let (outbox, jobs) = crate::outbox::open();
    let (panels, orders) = crate::panel::open(store.clone());
    let me = json!({"id": 7, "is_bot": true, "first_name": "Kymo", "username": "KymoBot", "can_join_groups": true,
        "can_read_all_group_messages": false, "supports_inline_queries": false, "can_connect_to_business": false,
        "has_main_web_app": false});
    let context = Context {
        alerts: crate::alert::Alerts::new(store.clone()),
        telegram: crate::telegram::Telegram::new(&config.token, config.api_url.as_ref()).expect("a client"),
        me: serde_json::from_value(me).expect("a bot"),
        store,
        outbox,
        panels,
        log: log.clone(),
        config,
    };
    let desk = Desk::open(context, CancellationToken::new()).expect("a desk");
    Silence {
        dispatcher: Dispatcher::new(desk.clone()),
        desk,
        log,
        jobs,
        _panels: orders,
        _folder: folder,
    }
}

impl Silence {
    async fn hand_in(&self, update: &Value) {
        // From text, as it comes: teloxide reads no update out of a `Value`.
        let parsed: Update = serde_json::from_str(&update.to_string()).expect("an update");
        assert!(
            !matches!(parsed.kind, UpdateKind::Error(_)),
            "not understood: {update}"
        );
        let handled = tokio::time::timeout(Duration::from_secs(30), self.dispatcher.handle(&parsed)).await;
        handled
            .unwrap_or_else(|_| panic!("somebody is answered: {update}"))
            .expect("it is handled");
        assert_eq!(self.jobs.waiting(), 0, "somebody is answered: {update}");
    }

    async fn assert_nothing_happened(&self) {
        let end = self.log.end(&order::topic()).await.expect("the log answers");
        assert!(
            self.log
                .read(&order::topic(), kymo_runlog::Position::START, 1 << 20)
                .await
                .expect("read")
                .is_empty()
        );
        assert!(end.0 <= 1, "no order");
        assert!(self.desk.facts.store.people().await.expect("people").is_empty());
        assert!(self.desk.facts.store.chats().await.expect("chats").is_empty());
        assert!(
            self.desk
                .facts
                .store
                .audit(None, 10, 0)
                .await
                .expect("audit")
                .is_empty()
        );
        assert!(self.desk.facts.store.watches().await.expect("watches").is_empty());
    }
}

fn user(id: i64) -> Value {
    json!({"id": id, "is_bot": false, "first_name": "Eve <b>\u{202e}", "username": "eve"})
}

fn chat(id: i64) -> Value {
    if id > 0 {
        json!({"id": id, "type": "private", "first_name": "Eve"})
    } else {
        json!({"id": id, "type": "supergroup", "title": "Lab"})
    }
}

fn message(from: Value, chat_id: i64, text: &str) -> Value {
    json!({"message_id": 5, "date": 1_800_000_000, "chat": chat(chat_id), "from": from, "text": text})
}

/// Every press there is, once.
fn presses() -> Vec<Press> {
    let button = RunButton {
        run: "0a1b2c3d".to_owned(),
        generation: 1,
    };
    let mut presses = vec![
        Press::Start(button.clone()),
        Press::Status(button.clone()),
        Press::Stop(button.clone()),
        Press::StopNow(button.clone()),
        Press::StopAfter(button.clone()),
        Press::Keep(button.clone()),
        Press::LogTail(button.clone()),
        Press::LogFile(button.clone()),
        Press::Watch(button.clone()),
        Press::Panel(button),
        Press::Pick {
            solver: solver_tag("airy"),
        },
        Press::Runs { page: 1 },
    ];
    for step in [
        CardStep::Start,
        CardStep::Afresh,
        CardStep::Cancel,
        CardStep::Open(0),
        CardStep::Back,
        CardStep::Take(0),
        CardStep::Type,
    ] {
        presses.push(Press::Card {
            card: 1,
            revision: 0,
            step,
        });
    }
    for step in [
        WorkerStep::Add,
        WorkerStep::Start,
        WorkerStep::Stop,
        WorkerStep::Remove,
    ] {
        presses.push(Press::Worker {
            run: "0a1b2c3d".to_owned(),
            step,
        });
    }
    presses
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = Command::ALL
        .iter()
        .flat_map(|command| {
            let name = command.name();
            [
                format!("/{name}"),
                format!("/{name}@KymoBot airy eps=4"),
                format!("/{name} grant {STRANGER} admin"),
            ]
        })
        .collect();
    let secret = "0".repeat(32);
    texts.extend(["hello", "", "/", "/start claim-", "🙂", "<b>"].map(str::to_owned));
    texts.extend([
        format!("/start claim-{secret}"),
        "x".repeat(4096),
        "/run ".repeat(500),
    ]);
    texts
}

/// One of everything that a stranger, or somebody who hides, can send.
fn hostile(rng: &mut impl Rng, number: u32) -> Value {
    let texts = texts();
    let text = texts.choose(rng).expect("texts");
    let data = match rng.random_range(0..3) {
        0 => presses().choose(rng).expect("presses").encode(),
        1 => String::new(),
        _ => "1:s:\u{202e}:-1".to_owned(),
    };
    let place = if rng.random() { STRANGER } else { -5 };
    let owner = user(OWNER);
    let kind = rng.random_range(0..11);
    let mut body = match kind {
        0..=2 => json!({"message": message(user(STRANGER), place, text)}),
        3 => json!({"edited_message": message(user(STRANGER), place, text)}),
        4 => json!({"callback_query": {"id": "1", "from": user(STRANGER), "chat_instance": "1", "data": data,
            "message": message(json!({"id": 7, "is_bot": true, "first_name": "Kymo"}), place, "card")}}),
        5 => json!({"inline_query": {"id": "1", "from": user(STRANGER), "query": text, "offset": ""}}),
        6 => json!({"channel_post": {"message_id": 5, "date": 1_800_000_000, "text": text,
            "chat": {"id": -9, "type": "channel", "title": "News"}, "sender_chat": {"id": -9, "type": "channel", "title": "News"}}}),
        // An anonymous admin of the group, and a channel that speaks in it.
        7 => {
            let anonymous = json!({"id": 1_087_968_824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"});
            let mut hidden = message(anonymous, -5, text);
            hidden["sender_chat"] = chat(-5);
            json!({"message": hidden})
        }
        // The owner's name on words that came through a chat, or through another bot.
        8 => {
            let mut hidden = message(owner, -5, text);
            hidden["sender_chat"] = chat(-5);
            json!({"message": hidden})
        }
        9 => {
            let mut through = message(owner, -5, text);
            through["via_bot"] = json!({"id": 8, "is_bot": true, "first_name": "Other", "username": "other"});
            json!({"message": through})
        }
        _ => {
            json!({"edited_channel_post": {"message_id": 5, "date": 1_800_000_000, "edit_date": 1_800_000_001, "text": text,
            "chat": {"id": -9, "type": "channel", "title": "News"}}})
        }
    };
    body["update_id"] = number.into();
    body
}

#[tokio::test]
async fn ten_thousand_hostile_updates_change_nothing() {
    let silence = silence().await;
    let mut rng = rand::rngs::StdRng::seed_from_u64(20_261_122);
    for number in 1..=10_000 {
        silence.hand_in(&hostile(&mut rng, number)).await;
    }
    silence.assert_nothing_happened().await;
    let counted = silence.desk.facts.store.stranger_count().await.expect("a count");
    assert_eq!(counted.people, 1);
    assert!(counted.times > 3000, "strangers are counted: {counted:?}");
}

#[tokio::test]
async fn every_command_and_button_is_silent_for_strangers() {
    let silence = silence().await;
    let mut number = 0;
    for place in [STRANGER, -5] {
        for text in texts() {
            number += 1;
            silence
                .hand_in(&json!({"update_id": number, "message": message(user(STRANGER), place, &text)}))
                .await;
        }
        for press in presses() {
            number += 1;
            let bot = json!({"id": 7, "is_bot": true, "first_name": "Kymo"});
            let query = json!({"id": "1", "from": user(STRANGER), "chat_instance": "1", "data": press.encode(),
                "message": message(bot, place, "card")});
            silence
                .hand_in(&json!({"update_id": number, "callback_query": query}))
                .await;
        }
    }
    silence.assert_nothing_happened().await;
}

#[tokio::test]
async fn what_members_forward_or_edit_is_no_command() {
    let silence = silence().await;
    let mut forwarded = message(user(OWNER), OWNER, "/access grant 666 admin");
    forwarded["forward_origin"] =
        json!({"type": "hidden_user", "date": 1_800_000_000, "sender_user_name": "Eve"});
    silence
        .hand_in(&json!({"update_id": 1, "message": forwarded}))
        .await;
    let mut edited = message(user(OWNER), OWNER, "/access grant 666 admin");
    edited["edit_date"] = 1_800_000_001.into();
    silence
        .hand_in(&json!({"update_id": 2, "edited_message": edited}))
        .await;
    silence
        .hand_in(&json!({"update_id": 3, "message": message(user(OWNER), -5, "/run@other_bot airy")}))
        .await;
    silence
        .hand_in(&json!({"update_id": 4, "message": message(user(OWNER), -5, "/weather")}))
        .await;
    assert!(
        silence
            .desk
            .facts
            .store
            .people()
            .await
            .expect("people")
            .is_empty()
    );
}

#[tokio::test]
async fn every_command_and_button_checks_the_role_it_needs() {
    let silence = silence().await;
    let facts = &silence.desk.facts;
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        let ask = Ask {
            update: 1,
            at: Utc::now(),
            person: Person {
                id: PersonId(STRANGER),
                name: "Vera".to_owned(),
                username: None,
            },
            role,
            place: Place {
                chat: ChatId(-5),
                thread: None,
                private: false,
                message: Some(MessageId(5)),
            },
            replied_to: None,
        };
        for command in Command::ALL {
            let answer = command.answer(facts, &ask, "").await.expect("an answer");
            let refused = answer.outcome.contains("needs the role");
            assert_eq!(
                refused,
                role < command.need(),
                "{role:?} {command:?}: {}",
                answer.outcome
            );
        }
        for press in presses() {
            let answer = command::pressed(facts, &ask, &press).await.expect("an answer");
            let refused = answer.outcome.contains("needs the role");
            assert_eq!(
                refused,
                role < press.need(),
                "{role:?} {press:?}: {}",
                answer.outcome
            );
        }
    }
}

#[tokio::test]
async fn rights_count_at_the_press() {
    let silence = silence().await;
    let store = &silence.desk.facts.store;
    let member = Member {
        id: PersonId(STRANGER),
        role: Role::Operator,
        name: "Bob".to_owned(),
        username: None,
        granted_by: "the test".to_owned(),
        granted_at: Utc::now(),
    };
    let admin = Member {
        id: PersonId(2),
        role: Role::Admin,
        ..member.clone()
    };
    store.grant(&admin).await.expect("granted");
    store.grant(&member).await.expect("granted");
    assert_eq!(
        silence.desk.facts.role_of(member.id).await.expect("a role"),
        Some(Role::Operator)
    );
    assert!(store.revoke(member.id).await.expect("revoked"));
    let bot = json!({"id": 7, "is_bot": true, "first_name": "Kymo"});
    let query = json!({"id": "1", "from": user(STRANGER), "chat_instance": "1", "data": presses()[0].encode(),
        "message": message(bot, -5, "a panel drawn when he was operator")});
    silence
        .hand_in(&json!({"update_id": 9, "callback_query": query}))
        .await;
}
