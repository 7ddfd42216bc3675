//! Each table: the sample rows of the migration are read back, and then changed.

use chrono::{DateTime, TimeDelta, Utc};
use kymo_runlog::Topic;
use kymo_store::*;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

const LAB: ChatId = ChatId(-2001);
const ADA: PersonId = PersonId(1001);

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_348_800_000).expect("a time")
}

fn topic() -> Topic {
    Topic::parse("airy.eps-4").expect("a topic")
}

fn lab() -> Destination {
    Destination {
        chat: LAB,
        thread: Some(ThreadId(12)),
    }
}

/// A store with the sample rows in it.
async fn sample() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kymo.sqlite");
    let store = Store::open(file.to_str().expect("a plain path"))
        .await
        .expect("it opens");
    let mut rows = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .expect("it connects");
    let samples = include_str!("../../migrations/samples/0001_bot.sql");
    sqlx::raw_sql(samples)
        .execute(&mut rows)
        .await
        .expect("the sample rows fit the migration");
    (store, folder)
}

fn person(id: i64, role: Role) -> Person {
    Person {
        id: PersonId(id),
        role,
        name: "Grace".into(),
        username: Some("Grace".into()),
        granted_by: "Ada (1001)".into(),
        granted_at: at(),
    }
}

#[tokio::test]
async fn people_have_roles_and_the_last_admin_stays() {
    let (store, _folder) = sample().await;
    let ada = store.find_person(ADA).await.expect("read").expect("Ada");
    assert_eq!(
        (ada.role, ada.name.as_str(), ada.granted_at),
        (Role::Admin, "Ada Lovelace", at())
    );
    assert!(store.has_admin().await.expect("read"));
    assert!(
        !store.revoke(ADA).await.expect("kept"),
        "somebody must be left who can let others in"
    );
    store.grant(&person(1002, Role::Admin)).await.expect("granted");
    assert_eq!(
        store
            .find_person_by_username("@grace")
            .await
            .expect("read")
            .expect("Grace")
            .id,
        PersonId(1002)
    );
    assert!(store.revoke(ADA).await.expect("revoked"));
    assert!(!store.revoke(ADA).await.expect("nothing to revoke"));
    assert_eq!(store.people().await.expect("read").len(), 1);
    assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
}

#[tokio::test]
async fn strangers_are_counted_and_a_flood_of_them_is_bounded() {
    let (store, _folder) = sample().await;
    store
        .count_stranger(PersonId(1666), "Mallory", Some("mal"), at())
        .await
        .expect("counted");
    let mallory = store
        .find_stranger_by_username("mal")
        .await
        .expect("read")
        .expect("Mallory");
    assert_eq!(mallory.times, 4);
    for id in 0..1010 {
        let seen = at() + TimeDelta::seconds(id);
        store
            .count_stranger(PersonId(10_000 + id), "nobody", None, seen)
            .await
            .expect("counted");
    }
    let count = store.stranger_count().await.expect("read");
    assert_eq!(count.people, 1000);
    assert_eq!(store.strangers(1).await.expect("read")[0].id, PersonId(11_009));
    store.grant(&person(11_009, Role::Viewer)).await.expect("granted");
    assert_ne!(
        store.strangers(1).await.expect("read")[0].id,
        PersonId(11_009),
        "no stranger any more"
    );
}

#[tokio::test]
async fn a_claim_link_makes_the_first_admin_once() {
    let (store, _folder) = sample().await;
    let grace = person(1002, Role::Admin);
    assert!(
        !store.redeem_claim_link("9f86d081", &grace).await.expect("read"),
        "there is an admin"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = folder.path().join("kymo.sqlite");
    let fresh = Store::open(fresh.to_str().expect("a plain path"))
        .await
        .expect("it opens");
    fresh
        .put_claim_link("aa", at(), at() + TimeDelta::hours(1))
        .await
        .expect("kept");
    fresh
        .put_claim_link("bb", at(), at() + TimeDelta::hours(1))
        .await
        .expect("kept");
    assert!(
        !fresh.redeem_claim_link("aa", &grace).await.expect("read"),
        "the newer link ended it"
    );
    let late = Person {
        granted_at: at() + TimeDelta::hours(2),
        ..grace.clone()
    };
    assert!(
        !fresh.redeem_claim_link("bb", &late).await.expect("read"),
        "too late"
    );
    assert!(fresh.redeem_claim_link("bb", &grace).await.expect("redeemed"));
    assert!(
        !fresh.redeem_claim_link("bb", &grace).await.expect("read"),
        "used up"
    );
    assert_eq!(
        fresh
            .find_person(PersonId(1002))
            .await
            .expect("read")
            .expect("Grace")
            .role,
        Role::Admin
    );
}

#[tokio::test]
async fn chats_are_seen_subscribed_lost_and_found() {
    let (store, _folder) = sample().await;
    let chat = store.find_chat(LAB).await.expect("read").expect("the lab");
    assert_eq!((chat.theme, chat.alerts, chat.forum), (Theme::Dark, true, true));
    assert_eq!(store.subscribed().await.expect("read"), [lab()]);
    store.lose_chat(LAB, "kicked").await.expect("lost");
    assert!(store.subscribed().await.expect("read").is_empty());
    let seen = ChatSeen {
        id: LAB,
        kind: "supergroup".into(),
        title: "New lab".into(),
        forum: true,
    };
    store.see_chat(&seen, at()).await.expect("seen");
    assert_eq!(
        store.subscribed().await.expect("read"),
        [lab()],
        "it is as it was"
    );
    assert!(store.unsubscribe(LAB).await.expect("off"));
    assert!(!store.unsubscribe(LAB).await.expect("off already"));
    assert!(
        !store
            .subscribe(Destination {
                chat: ChatId(-9),
                thread: None
            })
            .await
            .expect("unknown")
    );
    store.set_theme(LAB, Theme::Light).await.expect("set");
    assert!(store.tell_missing_pin(LAB).await.expect("told"));
    assert!(!store.tell_missing_pin(LAB).await.expect("told before"));
    let chats = store.chats().await.expect("read");
    assert_eq!(
        (chats[0].title.as_str(), chats[0].theme),
        ("New lab", Theme::Light)
    );
}

#[tokio::test]
async fn a_group_moves_once_with_everything_but_its_message_ids() {
    let (store, _folder) = sample().await;
    let new = ChatId(-1_002_001);
    assert!(store.move_chat(LAB, new).await.expect("moved"));
    assert!(!store.move_chat(LAB, new).await.expect("moved before"));
    assert!(store.find_chat(LAB).await.expect("read").is_none());
    assert_eq!(store.subscribed().await.expect("read")[0].chat, new);
    let panel = store
        .find_panel(&topic(), new)
        .await
        .expect("read")
        .expect("the panel");
    assert_eq!(
        (panel.message, panel.pin, panel.file_id.as_deref()),
        (None, Pin::Wanted, Some("AgACAgI"))
    );
    assert!(store.door_messages("weather").await.expect("read").is_empty());
    assert_eq!(store.due_alerts().await.expect("read")[0].to.chat, new);
    assert_eq!(store.due_notices().await.expect("read")[0].to.chat, new);
    assert!(store.chat_moves().await.expect("read").contains(&(LAB, new)));
}

#[tokio::test]
async fn a_panel_keeps_its_message_until_it_is_asked_for_anew() {
    let (store, _folder) = sample().await;
    let panel = store.want_panel(&topic(), lab()).await.expect("there");
    assert_eq!((panel.message, panel.generation), (Some(MessageId(55)), 2));
    let by_message = store
        .find_panel_by_message(LAB, MessageId(55))
        .await
        .expect("read")
        .expect("the panel");
    assert_eq!(by_message.topic, topic());
    let anew = store
        .renew_panel(
            &topic(),
            Destination {
                chat: LAB,
                thread: None,
            },
        )
        .await
        .expect("renewed");
    assert_eq!(
        (anew.message, anew.generation, anew.pin, anew.thread),
        (None, 3, Pin::Wanted, None)
    );
    assert_eq!(
        anew.file_id.as_deref(),
        Some("AgACAgI"),
        "an older picture can be shown at once"
    );
    assert!(
        !store
            .panel_posted(&panel, MessageId(60), None, None)
            .await
            .expect("too late")
    );
    assert!(
        store
            .panel_posted(&anew, MessageId(61), Some("new"), Some("hash"))
            .await
            .expect("posted")
    );
    store.set_panel_pin(&anew, Pin::Pinned).await.expect("pinned");
    let now = store
        .find_panel(&topic(), LAB)
        .await
        .expect("read")
        .expect("the panel");
    assert_eq!(
        (now.message, now.pin, now.file_id.as_deref()),
        (Some(MessageId(61)), Pin::Pinned, Some("new"))
    );
    assert_eq!(store.panels_in(LAB).await.expect("read").len(), 1);
    store.drop_panel(&topic(), LAB).await.expect("dropped");
    assert!(store.panels_of(&topic()).await.expect("read").is_empty());
    let kept = store.load_panel_topic(&topic()).await.expect("read");
    assert_eq!(kept.state.as_deref(), Some(r#"{"state":"running"}"#));
    store.put_panel_facts(&topic(), "{}").await.expect("kept");
    store.put_panel_state(&topic(), "[]").await.expect("kept");
    let kept = store.load_panel_topic(&topic()).await.expect("read");
    assert_eq!(
        (kept.facts.as_deref(), kept.state.as_deref()),
        (Some("{}"), Some("[]"))
    );
}

#[tokio::test]
async fn watches_are_added_once() {
    let (store, _folder) = sample().await;
    let watch = store
        .find_watch(&topic())
        .await
        .expect("read")
        .expect("the watch");
    assert_eq!(
        (watch.view.as_deref(), watch.wanted),
        (Some("E[x=0.6]"), Wanted::Running)
    );
    assert!(!store.add_watch(&watch).await.expect("there already"));
    assert!(
        store
            .set_watch_wanted(&topic(), Wanted::Stopped)
            .await
            .expect("set")
    );
    assert!(store.set_watch_view(&topic(), None).await.expect("set"));
    let watches = store.watches().await.expect("read");
    assert_eq!(
        (watches[0].wanted, watches[0].view.as_deref()),
        (Wanted::Stopped, None)
    );
    assert!(store.remove_watch(&topic()).await.expect("removed"));
    assert!(!store.remove_watch(&topic()).await.expect("gone"));
    assert!(
        !store
            .set_watch_wanted(&topic(), Wanted::Running)
            .await
            .expect("gone")
    );
    assert!(store.add_watch(&watch).await.expect("added"));
}

#[tokio::test]
async fn updates_are_recorded_once_and_recovered_until_handled() {
    let (store, _folder) = sample().await;
    let update = |id| InboxUpdate {
        update_id: id,
        chat: Some(LAB),
        body: format!("{{{id}}}"),
        tries: 0,
    };
    let new = store
        .record_updates(&[update(900), update(901), update(902)], at())
        .await
        .expect("recorded");
    assert_eq!(new, [update(901), update(902)], "900 is known");
    store.update_handled(901).await.expect("handled");
    let left = store.recover_updates().await.expect("read");
    assert_eq!(
        left.iter().map(|u| (u.update_id, u.tries)).collect::<Vec<_>>(),
        [(900, 1), (902, 1)]
    );
    store.update_poisoned(900).await.expect("poisoned");
    store.update_handled(902).await.expect("handled");
    assert!(store.recover_updates().await.expect("read").is_empty());
    assert!(
        store
            .record_updates(&[update(901)], at())
            .await
            .expect("recorded")
            .is_empty()
    );
    assert_eq!(store.last_update().await.expect("read"), Some(902));
}

#[tokio::test]
async fn an_alert_is_due_until_shown_and_an_incident_ends() {
    let (store, _folder) = sample().await;
    let alert = |id: &str, seconds, open| NewAlert {
        id: id.into(),
        key: "airy 1".into(),
        at: at() + TimeDelta::seconds(seconds),
        open,
        body: format!("{{\"title\":\"{id}\"}}"),
    };
    let due = store.due_alerts().await.expect("read");
    assert_eq!((due.len(), due[0].message), (1, Some(MessageId(56))));
    store.alert_shown(&due[0], MessageId(56)).await.expect("shown");
    assert!(store.due_alerts().await.expect("read").is_empty());

    assert_eq!(
        store.raise_alert(&alert("b", 10, false)).await.expect("raised"),
        Raised::Due
    );
    assert_eq!(
        store.raise_alert(&alert("b", 10, false)).await.expect("raised"),
        Raised::Known
    );
    assert_eq!(
        store.raise_alert(&alert("late", 5, true)).await.expect("raised"),
        Raised::Late
    );
    let due = store.due_alerts().await.expect("read");
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].alert.as_str(), due[0].message),
        ("b", Some(MessageId(56)))
    );
    assert_eq!(due[0].opened.as_deref(), Some(r#"{"title":"airy crashed"}"#));
    store.alert_message_gone(&due[0]).await.expect("gone");
    assert_eq!(store.due_alerts().await.expect("read")[0].message, None);
    store.alert_shown(&due[0], MessageId(57)).await.expect("shown");

    assert_eq!(
        store.raise_alert(&alert("c", 20, true)).await.expect("raised"),
        Raised::Due
    );
    let due = store.due_alerts().await.expect("read");
    assert_eq!(
        (due[0].incident.as_str(), due[0].message),
        ("c", None),
        "resolved is resolved"
    );
    store.alert_thread_gone(&due[0]).await.expect("gone");
    let due = store.due_alerts().await.expect("read");
    assert_eq!(due[0].to.thread, None);
    store.alert_failed(&due[0], "kicked").await.expect("failed");
    assert!(store.due_alerts().await.expect("read").is_empty());
    assert_eq!(store.find_alert_message("airy 1", LAB).await.expect("read"), None);
}

#[tokio::test]
async fn a_notice_is_told_once() {
    let (store, _folder) = sample().await;
    let notice = store.due_notices().await.expect("read").remove(0);
    assert_eq!((notice.to, notice.html.as_str()), (lab(), "airy started"));
    assert!(!store.put_notice(&notice, at()).await.expect("known"));
    store.notice_thread_gone(&notice).await.expect("gone");
    assert_eq!(store.due_notices().await.expect("read")[0].to.thread, None);
    store.notice_sent(&notice, MessageId(60)).await.expect("sent");
    assert!(store.due_notices().await.expect("read").is_empty());
    assert!(!store.put_notice(&notice, at()).await.expect("known for ever"));
    let other = Notice {
        key: "started 2".into(),
        ..notice
    };
    assert!(store.put_notice(&other, at()).await.expect("new"));
    store.notice_failed(&other, "kicked").await.expect("failed");
    assert!(store.due_notices().await.expect("read").is_empty());
}

#[tokio::test]
async fn the_rest_is_kept_as_it_was_put() {
    let (store, _folder) = sample().await;
    let message = store.door_messages("weather").await.expect("read").remove(0);
    assert_eq!(
        (message.message, message.kind),
        (MessageId(57), DoorMessageKind::Text)
    );
    let picture = DoorMessage {
        message: MessageId(58),
        kind: DoorMessageKind::Picture,
        ..message
    };
    store.put_door_message(&picture).await.expect("put");
    assert_eq!(store.door_messages("weather").await.expect("read"), [picture]);

    let draft = store.find_draft("k3x").await.expect("read").expect("the draft");
    store
        .put_draft(&Draft {
            body: "{}".into(),
            ..draft
        })
        .await
        .expect("put");
    assert_eq!(
        store
            .take_draft("k3x")
            .await
            .expect("read")
            .expect("the draft")
            .body,
        "{}"
    );
    assert!(
        store.take_draft("k3x").await.expect("read").is_none(),
        "of two who press, one gets it"
    );

    let entry = store.audit(None, 10, 0).await.expect("read").remove(0);
    assert_eq!(
        (entry.action.as_str(), entry.outcome.as_str()),
        ("/run airy eps=4", "started")
    );
    store
        .write_audit(&AuditEntry {
            at: at() + TimeDelta::seconds(1),
            ..entry
        })
        .await
        .expect("written");
    assert_eq!(store.audit(Some(ADA), 10, 0).await.expect("read").len(), 2);
    assert_eq!(store.audit(Some(ADA), 10, 1).await.expect("read").len(), 1);
    assert!(
        store
            .audit(Some(PersonId(1)), 10, 0)
            .await
            .expect("read")
            .is_empty()
    );

    assert_eq!(
        store.find_value("bot.generation").await.expect("read").as_deref(),
        Some("3")
    );
    store.put_value("bot.generation", "4").await.expect("put");
    assert_eq!(
        store.find_value("bot.generation").await.expect("read").as_deref(),
        Some("4")
    );
    assert_eq!(store.find_value("nothing").await.expect("read"), None);
}
