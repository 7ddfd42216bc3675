//! Starts the server on loopback and hands out what belongs where: Bot API, control API, phone page.

mod connection;
mod snapshot;
mod webhook;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::config::SandboxConfig;
use crate::control;
use crate::control::client::Control;
use crate::page;
use crate::world::World;
use connection::{Breakable, Fuse};

/// Why the sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It must not be reachable from elsewhere.
    #[error(
        "the sandbox cannot listen on {0}: whoever reached it there could play every person of its chats, so it stays \
         on loopback; choose 127.0.0.1:{port}, and for another machine's browser forward it, e.g. ssh -L {port}:127.0.0.1:{port}", port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// The port is taken or forbidden.
    #[error("the sandbox cannot listen on {0}: {1}; choose another port, or 0 for a free one")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The token does not look like one.
    #[error("the bot token for the sandbox must look like 4242:letters")]
    Token,
    /// The snapshot file cannot be read.
    #[error("the sandbox cannot read its state {0}: {1}; move it away to begin afresh")]
    State(std::path::PathBuf, #[source] std::io::Error),
}

/// A running sandbox. It ends when the token given to `start` is cancelled.
#[derive(Debug)]
pub struct Running {
    url: String,
    token: String,
    username: String,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bot's token.
    pub fn bot_token(&self) -> &str {
        &self.token
    }

    /// The bot's username, without `@`.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// A client for the control API.
    pub fn control(&self) -> Control {
        Control::new(&self.url)
    }

    /// Waits until the server has stopped and the snapshot, if any, is written.
    pub async fn ended(self) {
        if let Err(e) = self.task.await {
            tracing::error!(error = %e, "the sandbox ended badly");
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub config: SandboxConfig,
    pub world: Mutex<World>,
    pub stop: CancellationToken,
}

/// The lock; a panic elsewhere does not take the sandbox down with it.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the sandbox; it is ready when this returns.
pub async fn start(config: SandboxConfig, stop: CancellationToken) -> Result<Running, StartError> {
    if !config.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(config.listen));
    }
    let token_is_sound = config.token.split_once(':').is_some_and(|(id, key)| {
        id.parse::<i64>().is_ok_and(|id| id > 0) && !key.is_empty() && !key.contains('/')
    });
    if !token_is_sound {
        return Err(StartError::Token);
    }
    let world = snapshot::load(&config)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| StartError::Listen(config.listen, e))?;
    let address = listener
        .local_addr()
        .map_err(|e| StartError::Listen(config.listen, e))?;
    let (token, username) = (config.token.clone(), config.username.clone());
    let shared = Arc::new(Shared {
        config,
        world: Mutex::new(world),
        stop: stop.clone(),
    });
    let task = tokio::spawn(serve(shared, listener));
    Ok(Running {
        url: format!("http://{address}"),
        token,
        username,
        task,
    })
}

async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let router: Router = Router::new()
        .merge(control::http::routes())
        .merge(page::routes())
        .fallback(bot_api)
        .layer(DefaultBodyLimit::max(api::request::BODY_LIMIT))
        .with_state(shared.clone());
    let service = router.into_make_service_with_connect_info::<Fuse>();
    let server = axum::serve(Breakable(listener), service);
    let webhooks = webhook::deliver(shared.clone());
    let keeper = snapshot::keep(shared.clone());
    tokio::select! {
        // Long polls are dropped at once: nobody waits for them on the way out.
        () = shared.stop.cancelled() => {}
        ended = async { server.await } => {
            if let Err(e) = ended {
                tracing::error!(error = %e, "the sandbox stopped serving");
            }
        }
        () = webhooks => {}
        () = keeper => {}
    }
    snapshot::save(&shared);
}

async fn bot_api(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Some((token, file)) = path
        .strip_prefix("/file/bot")
        .and_then(|rest| rest.split_once('/'))
    {
        return api::http::download(&shared, token, file);
    }
    match path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) {
        Some((token, method)) => {
            let (response, broken) = api::http::call(&shared, token, method, request).await;
            if broken {
                fuse.blow();
            }
            response
        }
        None => (StatusCode::NOT_FOUND, format!("nothing here at {path}\n")).into_response(),
    }
}
