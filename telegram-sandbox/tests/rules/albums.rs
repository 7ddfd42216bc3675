//! Albums, copies and forwards.

use serde_json::json;

use crate::kit::{Kit, png};

#[tokio::test]
async fn an_album_has_2_to_10_pictures_of_one_kind() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let photo = |n: usize| json!({ "type": "photo", "media": format!("attach://p{n}") });
    let files = [("p0", "0.png", png(8, 8, 0)), ("p1", "1.png", png(8, 8, 1))];
    let sent = kit
        .upload(
            "sendMediaGroup",
            json!({ "chat_id": ada, "media": [photo(0), photo(1)] }),
            &files,
        )
        .await
        .unwrap();
    assert_eq!(sent[0]["media_group_id"], sent[1]["media_group_id"]);
    let one = json!({ "chat_id": ada, "media": [photo(0)] });
    assert_eq!(
        kit.upload("sendMediaGroup", one, &files).await.unwrap_err().1,
        "Bad Request: there must be from 2 to 10 media in the album"
    );
    let document = json!({ "type": "document", "media": "attach://p1" });
    let mixed = json!({ "chat_id": ada, "media": [photo(0), document] });
    assert_eq!(
        kit.upload("sendMediaGroup", mixed, &files).await.unwrap_err().1,
        "Bad Request: document can't be mixed with other media types"
    );
}

#[tokio::test]
async fn a_copy_is_new_and_a_forward_names_its_author() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.friend("Grace").await);
    let photo = kit.photo(ada, "picture").await;
    let from = json!({ "chat_id": grace, "from_chat_id": ada, "message_id": photo["message_id"] });
    let copied = kit.ok("copyMessage", from.clone()).await;
    let forwarded = kit.ok("forwardMessage", from).await;
    assert_eq!(
        forwarded["forward_origin"]["sender_user"]["username"],
        "sandbox_bot"
    );
    let chat = kit.control.chat(grace).await.unwrap();
    let copy = chat.message(copied["message_id"].as_i64().unwrap()).unwrap();
    assert_eq!((copy.text.as_str(), copy.forwarded_from), ("picture", None));
    let gone = json!({ "chat_id": grace, "from_chat_id": ada, "message_id": 999 });
    assert_eq!(
        kit.refused("copyMessage", gone.clone()).await,
        "Bad Request: message to copy not found"
    );
    assert_eq!(
        kit.refused("forwardMessage", gone).await,
        "Bad Request: message to forward not found"
    );
}
