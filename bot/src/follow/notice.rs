//! What chats with /alerts are told of a run's life. Crashes and silence come as alerts through
//! the door, so they are not told twice.

use kymo_runlog::event::{EventRecord, RunEvent};

use crate::words::{duration, foreign};

/// The words for an event, if it is one that chats are told of.
pub fn notice(event: &EventRecord, name: &str, lasted: Option<chrono::TimeDelta>) -> Option<String> {
    let run = format!("<b>{}</b>", foreign(name, 120));
    let host = foreign(&event.host, 40);
    let lasted = lasted
        .map(|lasted| format!(", {}", duration(lasted)))
        .unwrap_or_default();
    match &event.event {
        RunEvent::Started { .. } => Some(format!("▶ {run} started on {host}")),
        RunEvent::Resumed { .. } => Some(format!(
            "▶ {run} goes on after iteration {} on {host}",
            event.iteration
        )),
        RunEvent::Finished => Some(format!(
            "✅ {run} finished: {} iterations{lasted}",
            event.iteration
        )),
        RunEvent::Stopped { by } => Some(format!(
            "⏹ {run} stopped by {} after iteration {}",
            foreign(by, 80),
            event.iteration
        )),
        RunEvent::Refused { reason } => Some(format!("🚫 {run} was not started: {}", foreign(reason, 600))),
        RunEvent::Failed { .. } | RunEvent::Silent { .. } | RunEvent::Heard => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::runs::tests::{event, run_id};

    #[test]
    fn words() {
        let told = |what: RunEvent| {
            notice(
                &event(&run_id(9.0), 1, 7, what),
                "airy eps=<9>",
                Some(chrono::TimeDelta::seconds(125)),
            )
        };
        let all = [
            RunEvent::Started { pid: 1 },
            RunEvent::Resumed { pid: 1 },
            RunEvent::Finished,
            RunEvent::Stopped {
                by: "Ada <b>".to_owned(),
            },
            RunEvent::Refused {
                reason: "1/h must be whole".to_owned(),
            },
        ];
        insta::assert_snapshot!(all.map(|event| told(event).unwrap_or_default()).join("\n"), @"
        ▶ <b>airy eps=&lt;9&gt;</b> started on lab
        ▶ <b>airy eps=&lt;9&gt;</b> goes on after iteration 7 on lab
        ✅ <b>airy eps=&lt;9&gt;</b> finished: 7 iterations, 2 min 5 s
        ⏹ <b>airy eps=&lt;9&gt;</b> stopped by Ada &lt;b&gt; after iteration 7
        🚫 <b>airy eps=&lt;9&gt;</b> was not started: 1/h must be whole
        ");
        assert_eq!(told(RunEvent::Heard), None);
        assert_eq!(told(RunEvent::Silent { seconds: 1.0 }), None);
        let failed = RunEvent::Failed {
            reason: String::new(),
            last_lines: Vec::new(),
            again_at: None,
        };
        assert_eq!(told(failed), None);
    }
}
