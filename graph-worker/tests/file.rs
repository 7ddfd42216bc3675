//! `--png`: the picture in a file.

mod kit;

use std::path::Path;
use std::time::Duration;

use kit::{Run, scratch, window};
use kymo_graph_worker::{Drawing, TopicView, draw_to_file};
use kymo_runlog::Topic;
use tokio_util::sync::CancellationToken;

fn drawing(topic: &Topic, png: &Path) -> Drawing {
    let topic = TopicView {
        topic: topic.clone(),
        view: None,
        usual: None,
    };
    Drawing {
        topic,
        png: png.to_owned(),
        follow: false,
        dark: false,
    }
}

/// Waits until the file is not what it was.
async fn changed(path: &Path, before: &[u8]) -> Vec<u8> {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    loop {
        tick.tick().await;
        match std::fs::read(path) {
            Ok(now) if now != before => return now,
            Ok(_) | Err(_) => {}
        }
    }
}

#[tokio::test]
async fn the_same_topic_is_the_same_file() {
    let scratch = scratch().await;
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    for i in 1..=9 {
        airy.write(&window(i, 9)).await;
    }
    airy.end(9).await;
    let png = scratch.folder.path().join("out.png");
    let draw = |drawing: Drawing| draw_to_file(drawing, scratch.log.clone(), CancellationToken::new());
    draw(drawing(&airy.topic(), &png)).await.expect("drawn");
    let once = std::fs::read(&png).expect("a file");
    draw(drawing(&airy.topic(), &png)).await.expect("drawn again");
    assert_eq!(once, std::fs::read(&png).expect("a file"));
    let reader = png::Decoder::new(std::io::Cursor::new(&once))
        .read_info()
        .expect("a PNG");
    assert_eq!(reader.info().size(), (1280, 960));
    draw(Drawing {
        dark: true,
        ..drawing(&airy.topic(), &png)
    })
    .await
    .expect("drawn dark");
    assert_ne!(once, std::fs::read(&png).expect("a file"));
}

#[tokio::test]
async fn following_replaces_the_file_whole() {
    let scratch = scratch().await;
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    airy.write(&window(1, 9)).await;
    let folder = scratch.folder.path().join("pictures");
    std::fs::create_dir(&folder).expect("a folder");
    let png = folder.join("out.png");
    let stop = CancellationToken::new();
    let follow = Drawing {
        follow: true,
        ..drawing(&airy.topic(), &png)
    };
    let drawer = tokio::spawn(draw_to_file(follow, scratch.log.clone(), stop.clone()));
    let mut seen = changed(&png, &[]).await;
    for i in 2..=4 {
        airy.write(&window(i, 9)).await;
        seen = changed(&png, &seen).await;
        assert!(seen.ends_with(b"IEND\xaeB`\x82"), "half a file");
    }
    stop.cancel();
    drawer.await.expect("no panic").expect("a clean end");
    assert_eq!(
        std::fs::read_dir(&folder).expect("a folder").count(),
        1,
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn what_cannot_be_drawn_or_written_is_named() {
    let scratch = scratch().await;
    let missing = Topic::parse("no.such-run").expect("a name");
    let draw = |drawing: Drawing| draw_to_file(drawing, scratch.log.clone(), CancellationToken::new());
    let error = draw(drawing(&missing, Path::new("out.png")))
        .await
        .expect_err("no topic");
    assert!(format!("{error:#}").contains("no topic no.such-run"), "{error:#}");
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    let nowhere = scratch.folder.path().join("no/such/folder/out.png");
    let error = draw(drawing(&airy.topic(), &nowhere))
        .await
        .expect_err("no folder");
    assert!(
        format!("{error:#}").contains("no/such/folder/out.png"),
        "{error:#}"
    );
}
