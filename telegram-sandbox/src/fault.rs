//! Faults on command: what goes wrong with the next calls of a method.

use serde::{Deserialize, Serialize};

use crate::control::orders::{Fault, FaultOrder};
use crate::world::ChatId;

/// Orders that still apply, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    orders: Vec<FaultOrder>,
}

/// What is left of the faults, for a reader.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub faults: Vec<FaultOrder>,
}

impl Faults {
    pub(crate) fn order(&mut self, order: FaultOrder) {
        self.orders.push(order);
    }

    pub(crate) fn clear(&mut self) {
        self.orders.clear();
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            faults: self.orders.clone(),
        }
    }

    /// The fault that hits this call, if any; it is used up.
    pub(crate) fn take(&mut self, method: &str, chat: Option<ChatId>) -> Option<Fault> {
        let hits = |o: &FaultOrder| {
            o.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method))
                && (o.chat.is_none() || o.chat == chat)
        };
        let at = self.orders.iter().position(hits)?;
        let order = &mut self.orders[at];
        let fault = order.fault.clone();
        order.times -= 1;
        if order.times == 0 {
            self.orders.remove(at);
        }
        Some(fault)
    }
}
