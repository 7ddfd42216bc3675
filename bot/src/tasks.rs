//! A role's tasks: where one ends, the others stop, and each is reported by name.

use std::future::Future;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Named tasks that stand and fall together.
pub(crate) struct Tasks {
    stop: CancellationToken,
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    names: std::collections::HashMap<tokio::task::Id, &'static str>,
}

impl Tasks {
    /// `stop` ends them from outside.
    pub fn new(stop: &CancellationToken) -> Self {
        Self {
            stop: stop.child_token(),
            tasks: JoinSet::new(),
            names: std::collections::HashMap::new(),
        }
    }

    /// Starts a task with a token that tells it to end.
    pub fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let task = task(self.stop.clone());
        let handle = self.tasks.spawn(async move { (name, task.await) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until all have ended; the first failure is the result.
    pub async fn until_all_end(mut self) -> anyhow::Result<()> {
        let mut result = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let wanted = self.stop.is_cancelled();
            let (name, ended) = match ended {
                Ok((name, ended)) => (name, ended),
                Err(error) => {
                    let name = self.names.get(&error.id()).copied().unwrap_or("a task");
                    (name, Err(anyhow::Error::new(error)))
                }
            };
            match ended {
                Ok(()) if wanted => tracing::debug!("{name} ended"),
                Ok(()) => tracing::warn!("{name} ended by itself, so the others stop"),
                Err(error) => {
                    tracing::error!("{name} failed: {error:#}");
                    if result.is_ok() {
                        result = Err(error).with_context(|| format!("the bot's task `{name}`"));
                    }
                }
            }
            self.stop.cancel();
        }
        result
    }
}
