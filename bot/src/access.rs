//! Who may do what. Everybody without a role is a stranger and gets silence.
//! It only decides; counting and remembering are the store's business.

use kymo_store::{PersonId, Role};
use teloxide::types::{Message, Update, UpdateKind, User};

/// All roles, lowest first.
pub const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

/// The role's word in the chat.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

/// The role with this word, in any case.
pub fn parse_role(word: &str) -> Option<Role> {
    ROLES
        .into_iter()
        .find(|role| role_word(*role).eq_ignore_ascii_case(word))
}

/// What became of an update at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The sender has this role.
    Member(Person, Role),
    /// Somebody without a role who brings a claim link's secret.
    Claimant(Person, String),
    /// Silence; counted when there is somebody to count.
    Stranger(Option<Person>),
}

/// Decides on an update from its sender, the role found for them and the secret they bring.
pub fn admit(sender: Option<Person>, role: Option<Role>, secret: Option<String>) -> Admission {
    match (sender, role, secret) {
        (Some(person), Some(role), _) => Admission::Member(person, role),
        (Some(person), None, Some(secret)) => Admission::Claimant(person, secret),
        (sender, _, _) => Admission::Stranger(sender),
    }
}

/// Somebody on Telegram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Telegram's number, the only thing that stays.
    pub id: PersonId,
    /// First and last name as they stand in the profile: hostile text.
    pub name: String,
    /// Without the `@`.
    pub username: Option<String>,
}

impl Person {
    /// The person whom a user of Telegram is; `None` for bots and for who hides behind a chat.
    pub fn of(user: &User) -> Option<Self> {
        let visible = !user.is_bot && !user.is_anonymous() && !user.is_channel();
        let id = i64::try_from(user.id.0).ok().filter(|_| visible)?;
        Some(Self {
            id: PersonId(id),
            name: user.full_name(),
            username: user.username.clone(),
        })
    }

    /// How orders and the audit name a person: `Ada (telegram 42)`.
    pub fn signature(&self) -> String {
        format!("{} (telegram {})", crate::words::cut(&self.name, 64), self.id)
    }
}

/// The person who sent an update, when there is exactly one who can be held to it.
///
/// Channel posts, anonymous group admins (`sender_chat`), bots and messages sent through other
/// bots have nobody: whoever hides has no rights.
pub fn sender(update: &Update) -> Option<Person> {
    let hidden = |message: &Message| {
        message.sender_chat.is_some()
            || message.via_bot.is_some()
            || message.sender_business_bot.is_some()
            || message.is_automatic_forward()
    };
    let user = match &update.kind {
        UpdateKind::Message(message) | UpdateKind::EditedMessage(message) if hidden(message) => None,
        UpdateKind::ChannelPost(_)
        | UpdateKind::EditedChannelPost(_)
        | UpdateKind::BusinessConnection(_)
        | UpdateKind::BusinessMessage(_)
        | UpdateKind::EditedBusinessMessage(_) => None,
        UpdateKind::Message(_)
        | UpdateKind::EditedMessage(_)
        | UpdateKind::DeletedBusinessMessages(_)
        | UpdateKind::MessageReaction(_)
        | UpdateKind::MessageReactionCount(_)
        | UpdateKind::InlineQuery(_)
        | UpdateKind::ChosenInlineResult(_)
        | UpdateKind::CallbackQuery(_)
        | UpdateKind::ShippingQuery(_)
        | UpdateKind::PreCheckoutQuery(_)
        | UpdateKind::PurchasedPaidMedia(_)
        | UpdateKind::Poll(_)
        | UpdateKind::PollAnswer(_)
        | UpdateKind::MyChatMember(_)
        | UpdateKind::ChatMember(_)
        | UpdateKind::ChatJoinRequest(_)
        | UpdateKind::ChatBoost(_)
        | UpdateKind::RemovedChatBoost(_)
        | UpdateKind::Error(_) => update.from(),
    }?;
    Person::of(user)
}
