//! A bot's door that only takes alerts, and can be closed and opened again.

use std::sync::{Arc, Mutex};

use kymo_door::{Alert, AlertState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::House;

pub struct Desk {
    alerts: Arc<Mutex<Vec<Alert>>>,
    port: u16,
    task: Option<JoinHandle<()>>,
}

impl Desk {
    /// Everybody in the house is told where it is.
    pub async fn open(house: &House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::fs::write(house.data().join("door.url"), format!("http://127.0.0.1:{port}/")).expect("write");
        let mut desk = Self {
            alerts: Arc::default(),
            port,
            task: None,
        };
        desk.serve(listener);
        desk
    }

    pub fn close(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    pub async fn reopen(&mut self) {
        self.close();
        // The port is free once the closed listener is dropped.
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let alerts = self.alerts.clone();
        self.task = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                take(stream, &alerts).await;
            }
        }));
    }

    /// What was handed in, each once, as `open: title` or `resolved: title`.
    pub fn titles(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let alerts = self.alerts();
        let fresh = alerts.iter().filter(|alert| {
            let new = !seen.contains(&alert.id);
            seen.push(alert.id);
            new
        });
        fresh
            .map(|alert| match alert.state {
                AlertState::Open => format!("open: {}", alert.title),
                AlertState::Resolved => format!("resolved: {}", alert.title),
            })
            .collect()
    }

    pub fn alerts(&self) -> Vec<Alert> {
        self.alerts.lock().expect("nobody panics here").clone()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.close();
    }
}

async fn take(mut stream: TcpStream, alerts: &Mutex<Vec<Alert>>) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.expect("a length") {
                assert!(
                    head.contains("Bearer secret") || head.contains("bearer secret"),
                    "{head}"
                );
                alerts
                    .lock()
                    .expect("nobody panics here")
                    .push(serde_json::from_str(body).expect("an alert"));
                let answer = "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer.as_bytes()).await;
                return;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&chunk[..count]),
        }
    }
}
