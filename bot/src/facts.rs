//! What commands may look at. They cannot write to Telegram from here: what they want done they
//! say as an `Answer`.

use std::path::PathBuf;
use std::sync::Arc;

use kymo_runlog::Log;
use kymo_store::{PersonId, Role, Store, StoreError};

use crate::access::Person;
use crate::follow::Known;
use crate::words::cut;
use crate::workers::Workers;

/// The world as a command sees it.
pub struct Facts {
    pub store: Store,
    pub log: Arc<dyn Log>,
    pub known: Known,
    pub workers: Arc<dyn Workers>,
    /// The data folder, with the output of runs on this machine.
    pub data: PathBuf,
    /// This machine, as watchdogs here call it.
    pub host: String,
    /// The bot's own number, so that orders of two bots never share an id.
    pub bot: u64,
    /// The bot's name without the `@`.
    pub username: String,
    /// Admins by configuration.
    pub admins: Vec<PersonId>,
}

impl Facts {
    /// Keeps a member's name as it is now: admins name people by it.
    pub async fn meet(&self, person: &Person) -> Result<(), StoreError> {
        let Some(member) = self.store.find_person(person.id).await? else {
            return Ok(());
        };
        let name = cut(&person.name, 128);
        if member.name == name && member.username == person.username {
            return Ok(());
        }
        self.store
            .rename_person(person.id, &name, person.username.as_deref())
            .await
    }

    /// What a person may do now.
    pub async fn role_of(&self, person: PersonId) -> Result<Option<Role>, StoreError> {
        if self.admins.contains(&person) {
            return Ok(Some(Role::Admin));
        }
        Ok(self.store.find_person(person).await?.map(|member| member.role))
    }
}
