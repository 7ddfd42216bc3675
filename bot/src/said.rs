//! What was logged lately: the same trouble every second is one line.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const LATELY: Duration = Duration::from_secs(600);
const KEPT: usize = 100;

/// Remembers what was said. Cheap to clone.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<HashMap<String, Instant>>>);

impl Said {
    /// Whether this is news, and remembers it.
    pub fn is_news(&self, text: &str) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|_, at| at.elapsed() < LATELY);
        if said.len() >= KEPT {
            said.clear();
        }
        said.insert(text.to_owned(), Instant::now()).is_none()
    }

    /// Forgets everything; whether there was anything.
    pub fn is_over(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let any = !said.is_empty();
        said.clear();
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_one_line_until_it_is_over() {
        let said = Said::default();
        assert!(said.is_news("the disk is full"));
        assert!(!said.is_news("the disk is full"));
        assert!(said.is_news("the database is locked"));
        assert!(said.is_over());
        assert!(!said.is_over());
        assert!(said.is_news("the disk is full"));
    }
}
