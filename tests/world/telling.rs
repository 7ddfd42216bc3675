//! What went on, told when a story fails.

use std::fmt::Write;

use super::World;

/// The chats as people see them, and the last messages of the roles.
pub async fn everything(world: &World) -> String {
    let mut told = String::new();
    match world.phone().state().await {
        Ok(state) => {
            for chat in state.chats.iter().filter(|chat| !chat.messages.is_empty()) {
                let _ = writeln!(told, "== {} ({})", chat.title, chat.id);
                for message in &chat.messages {
                    let labels: Vec<_> = message
                        .buttons
                        .iter()
                        .flatten()
                        .map(|button| button.text.as_str())
                        .collect();
                    let pin = if message.pinned { " pinned" } else { "" };
                    let _ = writeln!(
                        told,
                        "  {} {}{pin}: {:?} {labels:?}",
                        message.from, message.kind, message.text
                    );
                }
            }
            for toast in &state.toasts {
                let _ = writeln!(told, "  toast for {}: {:?}", toast.person, toast.text);
            }
        }
        Err(error) => {
            let _ = writeln!(told, "the sandbox does not answer: {error}");
        }
    }
    let watchdogs = std::fs::read_dir(world.path("runs"))
        .into_iter()
        .flatten()
        .flatten();
    let watchdogs = watchdogs.map(|run| run.path().join("watchdog.log"));
    let roles = ["bot.log", "initiator.log"].map(|name| world.path(name));
    for path in roles.into_iter().chain(watchdogs) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let _ = writeln!(
            told,
            "== {}\n{}",
            path.display(),
            lines[lines.len().saturating_sub(30)..].join("\n")
        );
    }
    told
}
