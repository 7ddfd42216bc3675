//! Carries out what commands decided, through the outbox, SQL, the log and the workers' host.

use anyhow::Context as _;
use kymo_runlog::order::{self, OrderRecord};
use kymo_runlog::{Message, Topic};
use kymo_store::{Draft, MessageId, Wanted};

use crate::ask::{Act, Ask, Prompt};
use crate::callback::WorkerStep;
use crate::desk::Desk;
use crate::outbox::{self, Class, Document, SendError, TextMessage};
use crate::words::cut;

/// Telegram's limits.
const LONGEST_TEXT: usize = 4096;
const LARGEST_FILE: usize = 49 << 20;

impl Desk {
    /// Does one thing. `query` is the press that is answered, if it was one.
    pub(crate) async fn perform(&self, ask: &Ask, query: Option<&str>, act: Act) -> anyhow::Result<()> {
        let to = ask.place.destination();
        let store = &self.facts.store;
        match act {
            Act::Toast { text, alert } => {
                let Some(query) = query else { return Ok(()) };
                let answer = match (text.is_empty(), alert) {
                    (true, _) => outbox::Answer::Quiet,
                    (false, false) => outbox::Answer::Toast(cut(&text, 200)),
                    (false, true) => outbox::Answer::Box(cut(&text, 200)),
                };
                forgive(self.outbox.answer_callback(query, answer).await)?;
            }
            Act::Say { html, keyboard } => {
                let mut text = TextMessage::new(to, fit(html));
                if let (Some(message), None) = (ask.place.message, query) {
                    text = text.reply_to(message);
                }
                if let Some(keyboard) = keyboard {
                    text = text.keyboard(keyboard);
                }
                forgive(self.outbox.send_text(Class::Reply, text).await)?;
            }
            Act::Prompt { html, draft } => self.ask_for_value(ask, html, draft).await?,
            Act::Edit {
                message,
                html,
                keyboard,
            } => {
                let edited = self
                    .outbox
                    .edit_text(Class::Reply, to.chat, message, &fit(html), keyboard)
                    .await;
                forgive(edited)?;
            }
            Act::Document { name, bytes, caption } => {
                let bytes = bytes.slice(bytes.len().saturating_sub(LARGEST_FILE)..);
                let document = Document {
                    to,
                    name,
                    bytes,
                    caption: Some(caption),
                    reply_to: ask.place.message,
                };
                forgive(self.outbox.send_document(Class::Reply, document).await)?;
            }
            Act::Order(order) => self.order(&order).await?,
            Act::Show { topic, said } => {
                if said {
                    store.put_value(&said_start(&topic), &to.chat.to_string()).await?;
                }
                self.panels.attach(&topic, to).await?;
            }
            Act::Watch { topic, view } => {
                if !self
                    .wishes
                    .add(&topic, view.as_deref(), &ask.person.signature(), Wanted::Running)
                    .await?
                {
                    if view.is_some() {
                        self.wishes.look(&topic, view.as_deref()).await?;
                    }
                    self.wishes.want(&topic, Wanted::Running).await?;
                }
                self.panels.attach(&topic, to).await?;
            }
            Act::Unwatch { topic } => {
                self.panels.detach(&topic, to.chat).await?;
                if self.panels.chats_of(&topic).await?.is_empty() {
                    self.wishes.remove(&topic).await?;
                }
            }
            Act::Repost { topic } => {
                // A panel without a graph worker would never get its picture.
                if !self
                    .wishes
                    .add(
                        &topic,
                        self.usual_view(&topic).as_deref(),
                        &ask.person.signature(),
                        Wanted::Running,
                    )
                    .await?
                {
                    self.wishes.want(&topic, Wanted::Running).await?;
                }
                self.panels.post_anew(&topic, to).await?;
            }
            Act::Worker { topic, view, step } => match step {
                WorkerStep::Add => {
                    let view = view.or_else(|| self.usual_view(&topic));
                    self.wishes
                        .add(&topic, view.as_deref(), &ask.person.signature(), Wanted::Stopped)
                        .await?;
                }
                WorkerStep::Start => {
                    self.wishes.want(&topic, Wanted::Running).await?;
                }
                WorkerStep::Stop => {
                    self.wishes.want(&topic, Wanted::Stopped).await?;
                }
                WorkerStep::Remove => {
                    self.wishes.remove(&topic).await?;
                }
            },
            Act::KeepDraft(draft) => store.put_draft(&draft).await?,
            Act::DropDraft { id } => {
                store.take_draft(&id).await?;
            }
            Act::Alerts { on: true } => {
                store.subscribe(to).await?;
            }
            Act::Alerts { on: false } => {
                store.unsubscribe(to.chat).await?;
            }
            Act::Theme(theme) => store.set_theme(to.chat, theme).await?,
            Act::Menu { person } => crate::menu::set_for(&self.facts, &self.telegram, person).await,
        }
        Ok(())
    }

    /// The view that the run's solver proposes.
    fn usual_view(&self, topic: &Topic) -> Option<String> {
        let state = self.facts.known.read();
        let solver = &state.runs.find(topic)?.id.solver;
        state.solvers.find(solver)?.view.clone()
    }

    async fn order(&self, record: &OrderRecord) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(record).context("write an order as JSON")?;
        let message = Message {
            key: None,
            headers: Vec::new(),
            payload,
        };
        self.facts.log.append(&order::topic(), vec![message]).await?;
        Ok(())
    }

    async fn ask_for_value(&self, ask: &Ask, html: String, prompt: Prompt) -> anyhow::Result<()> {
        let text = TextMessage::new(ask.place.destination(), fit(html)).force_reply();
        let Some(message) = forgive(self.outbox.send_text(Class::Reply, text).await)? else {
            return Ok(());
        };
        let draft = Draft {
            id: prompt_id(ask.place.chat, message),
            chat: ask.place.chat,
            person: ask.person.id,
            body: serde_json::to_string(&prompt).context("write a question as JSON")?,
            at: ask.at,
        };
        self.facts.store.put_draft(&draft).await?;
        Ok(())
    }
}

/// Under this name stands the chat that knows of a start already, until the run has started.
pub(crate) fn said_start(topic: &Topic) -> String {
    format!("said-start:{topic}")
}

/// Under this id a question waits for the reply to its message.
pub(crate) fn prompt_id(chat: kymo_store::ChatId, message: MessageId) -> String {
    format!("prompt:{chat}:{message}")
}

/// A reply that Telegram refuses for good must not hold up its chat: it is logged and let go. What
/// can pass is an error, and the update is tried again.
fn forgive<T>(sent: Result<T, SendError>) -> anyhow::Result<Option<T>> {
    match sent {
        Ok(sent) => Ok(Some(sent)),
        Err(SendError::Closed) => Err(SendError::Closed.into()),
        Err(error @ SendError::Telegram(_)) => {
            tracing::warn!(%error, "Telegram did not take an answer");
            Ok(None)
        }
    }
}

/// Cuts between lines, since a cut tag would make Telegram refuse the whole text.
fn fit(html: String) -> String {
    if html.chars().count() <= LONGEST_TEXT {
        return html;
    }
    let mut kept = String::new();
    for line in html.lines() {
        if kept.chars().count() + line.chars().count() + 2 > LONGEST_TEXT - 8 {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    // Only /log writes blocks of several lines.
    let open = kept.matches("<pre>").count() > kept.matches("</pre>").count();
    kept + if open { "</pre>…" } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_lines_and_closed() {
        let short = "x".repeat(LONGEST_TEXT);
        assert_eq!(fit(short.clone()), short);
        let long = format!("<pre>{}</pre>", "0123456789\n".repeat(500));
        let cut = fit(long);
        assert!(
            cut.chars().count() <= LONGEST_TEXT && cut.ends_with("9\n</pre>…"),
            "{cut}"
        );
    }
}
