//! Files: sent once, shown again by `file_id`, downloaded.

use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn a_photo_is_shown_again_by_its_file_id() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let file = kit.photo(ada, "one").await["photo"][0]["file_id"].clone();
    let again = kit
        .ok("sendPhoto", json!({ "chat_id": ada, "photo": file }))
        .await;
    assert_eq!(again["photo"][0]["file_id"], file);
    for (method, params, refusal) in [
        (
            "sendPhoto",
            json!({ "chat_id": ada, "photo": "AgACnonsense" }),
            "wrong file identifier/HTTP URL specified",
        ),
        (
            "sendDocument",
            json!({ "chat_id": ada, "document": file }),
            "can't use file of type Photo as Document",
        ),
        (
            "sendPhoto",
            json!({ "chat_id": ada }),
            "there is no photo in the request",
        ),
        (
            "sendPhoto",
            json!({ "chat_id": ada, "photo": "attach://x" }),
            "file \"x\" is attached nowhere in the request",
        ),
    ] {
        assert_eq!(
            kit.refused(method, params).await,
            format!("Bad Request: {refusal}")
        );
    }
}

#[tokio::test]
async fn a_file_is_downloaded_by_its_path() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let files = [("document", "out put.log", b"hello".to_vec())];
    let sent = kit
        .upload("sendDocument", json!({ "chat_id": ada }), &files)
        .await
        .unwrap();
    assert_eq!(sent["document"]["file_name"], "out put.log");
    let file = kit
        .ok("getFile", json!({ "file_id": sent["document"]["file_id"] }))
        .await;
    let path = file["file_path"].as_str().unwrap();
    let url = format!("{}/file/bot{}/{path}", kit.running.url(), kit.running.bot_token());
    assert_eq!(
        kit.http.get(&url).send().await.unwrap().bytes().await.unwrap(),
        "hello"
    );
    let wrong = url.replace("token", "tokem");
    assert_eq!(kit.http.get(wrong).send().await.unwrap().status(), 401);
    assert_eq!(
        kit.refused("getFile", json!({ "file_id": "x" })).await,
        "Bad Request: invalid file_id"
    );
}

#[tokio::test]
async fn an_animation_is_also_a_document() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let files = [("animation", "a.mp4", vec![1, 2, 3])];
    let sent = kit
        .upload("sendAnimation", json!({ "chat_id": ada, "duration": 3 }), &files)
        .await
        .unwrap();
    assert_eq!(sent["animation"]["file_id"], sent["document"]["file_id"]);
}
