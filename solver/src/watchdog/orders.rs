//! Following `kymo.orders` for orders that end this attempt. The watchdog reads them itself, so a stop is
//! obeyed even while no initiator lives.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kymo_runlog::order::{self, OrderRecord, When};
use kymo_runlog::{Log, Position, Topic};
use tokio::sync::mpsc;

use super::stop::cause_of;
use super::verdict::Cause;

/// Runs until nobody listens.
pub async fn follow_orders(
    log: Arc<dyn Log>,
    topic: Topic,
    mut from: Position,
    causes: mpsc::Sender<(Cause, When)>,
) {
    let orders = order::topic();
    loop {
        if let Ok(mut stream) = log.follow(&orders, from).await {
            while let Some(Ok(stored)) = stream.next().await {
                from = stored.position.next();
                let order = stored.json::<OrderRecord>().ok();
                if let Some(found) = order.and_then(|order| cause_of(&order, &topic))
                    && causes.send(found).await.is_err()
                {
                    return;
                }
            }
        }
        // The topic is not there yet, or the log is away.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = causes.closed() => return,
        }
    }
}
