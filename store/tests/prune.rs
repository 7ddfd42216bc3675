//! What is old goes away by itself, as time passes; what is still needed stays.

use chrono::{DateTime, TimeDelta, Utc};
use kymo_store::*;

const LAB: ChatId = ChatId(-2001);

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

fn alert(id: &str, key: &str, open: bool, at: DateTime<Utc>) -> NewAlert {
    NewAlert {
        id: id.to_owned(),
        key: key.to_owned(),
        at,
        open,
        body: "{}".to_owned(),
    }
}

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kymo.sqlite");
    let store = Store::open(file.to_str().expect("a plain path"))
        .await
        .expect("it opens");
    let lab = ChatSeen {
        id: LAB,
        kind: "group".to_owned(),
        title: "Lab".to_owned(),
        forum: false,
    };
    store.see_chat(&lab, at()).await.expect("seen");
    store.subscribe(to()).await.expect("subscribed");
    (store, folder)
}

fn to() -> Destination {
    Destination {
        chat: LAB,
        thread: None,
    }
}

async fn tell_what_is_due(store: &Store) {
    for due in store.due_alerts().await.expect("read") {
        store.alert_shown(&due, MessageId(7)).await.expect("shown");
    }
}

#[tokio::test]
async fn incidents_that_are_over_and_told_go_after_ninety_days() {
    let (store, _folder) = store().await;
    for (key, open) in [("over", false), ("open", true)] {
        store
            .raise_alert(&alert(&format!("{key}-1"), key, true, at()))
            .await
            .expect("kept");
        store
            .raise_alert(&alert(&format!("{key}-2"), key, open, at()))
            .await
            .expect("kept");
    }
    tell_what_is_due(&store).await;
    store
        .raise_alert(&alert("untold", "untold", false, at()))
        .await
        .expect("kept");
    let newer = alert("newer", "newer", false, at() + TimeDelta::days(2));
    store.raise_alert(&newer).await.expect("kept");
    assert_eq!(store.prune(at() + TimeDelta::days(90)).await.expect("pruned"), 0);
    // Its two alerts, its message, itself.
    assert_eq!(store.prune(at() + TimeDelta::days(91)).await.expect("pruned"), 4);
    assert_eq!(store.find_alert_message("over", LAB).await.expect("read"), None);
    assert_eq!(
        store.find_alert_message("open", LAB).await.expect("read"),
        Some(MessageId(7)),
        "an open incident's message is edited one day"
    );
    assert_eq!(
        store.due_alerts().await.expect("read").len(),
        2,
        "untold and newer"
    );
    tell_what_is_due(&store).await;
    assert_eq!(store.prune(at() + TimeDelta::days(91)).await.expect("pruned"), 3);
    assert_eq!(
        store.prune(at() + TimeDelta::days(9999)).await.expect("pruned"),
        3
    );
}

#[tokio::test]
async fn notices_go_when_they_were_told_a_month_ago() {
    let (store, _folder) = store().await;
    let notice = |key: &str| Notice {
        key: key.to_owned(),
        to: to(),
        html: "▶".to_owned(),
    };
    for key in ["told", "untold"] {
        store.put_notice(&notice(key), at()).await.expect("kept");
    }
    store
        .notice_sent(&notice("told"), MessageId(7))
        .await
        .expect("sent");
    assert_eq!(store.prune(at() + TimeDelta::days(30)).await.expect("pruned"), 0);
    let month = at() + TimeDelta::days(31);
    assert_eq!(store.prune(month).await.expect("pruned"), 1);
    assert_eq!(store.due_notices().await.expect("read"), [notice("untold")]);
    assert!(
        store.put_notice(&notice("told"), month).await.expect("kept"),
        "it is forgotten"
    );
}

#[tokio::test]
async fn updates_drafts_and_the_audit_have_their_ages() {
    let (store, _folder) = store().await;
    let update = |update_id| InboxUpdate {
        update_id,
        chat: Some(LAB),
        body: "{}".to_owned(),
        tries: 0,
    };
    store
        .record_updates(&[update(1), update(2), update(3)], at())
        .await
        .expect("recorded");
    for id in [1, 3] {
        store.update_handled(id).await.expect("handled");
    }
    let draft = Draft {
        id: "card".to_owned(),
        chat: LAB,
        person: PersonId(1),
        body: "{}".to_owned(),
        at: at(),
    };
    store.put_draft(&draft).await.expect("kept");
    let entry = AuditEntry {
        at: at(),
        person: PersonId(1),
        name: "Ada".to_owned(),
        chat: LAB,
        action: "/run airy".to_owned(),
        outcome: "ordered".to_owned(),
    };
    store.write_audit(&entry).await.expect("written");
    assert_eq!(store.prune(at() + TimeDelta::hours(48)).await.expect("pruned"), 0);
    // The newest says where to go on, and what was not handled is handled one day.
    assert_eq!(store.prune(at() + TimeDelta::hours(49)).await.expect("pruned"), 1);
    assert_eq!(store.last_update().await.expect("read"), Some(3));
    assert_eq!(
        store.prune(at() + TimeDelta::days(8)).await.expect("pruned"),
        1,
        "the card"
    );
    assert_eq!(store.prune(at() + TimeDelta::days(730)).await.expect("pruned"), 0);
    assert_eq!(store.audit(None, 9, 0).await.expect("read"), [entry]);
    assert_eq!(store.prune(at() + TimeDelta::days(731)).await.expect("pruned"), 1);
}
