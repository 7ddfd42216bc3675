//! What a person must know before a run writes into a topic that somebody else made, or made long ago.

use std::collections::HashMap;

use super::asker::TopicFacts;

/// Kafka's names of the settings that matter for a run, with their values.
pub(super) type Configuration = HashMap<String, String>;

/// One sentence with its remedy per fault; none when all is well.
pub(super) fn advise(
    topic: &str,
    facts: &TopicFacts,
    brokers: usize,
    configuration: &Configuration,
) -> Vec<String> {
    let get = |name: &str| configuration.get(name).map(String::as_str);
    let number = |name: &str| get(name).and_then(|value| value.parse::<i64>().ok());
    let alter = |setting: &str| {
        format!("kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {setting}")
    };
    let mut advice = Vec::new();
    if let Some(retention) = number("retention.ms").filter(|retention| *retention >= 0) {
        advice.push(format!(
            "topic {topic} forgets what is older than {} (retention.ms={retention}), so a longer run loses its beginning; run `{}`",
            in_words(retention),
            alter("retention.ms=-1")
        ));
    }
    if let Some(bytes) = number("retention.bytes").filter(|bytes| *bytes >= 0) {
        advice.push(format!(
            "topic {topic} forgets its oldest records beyond {bytes} bytes (retention.bytes); run `{}`",
            alter("retention.bytes=-1")
        ));
    }
    if let Some(policy) = get("cleanup.policy").filter(|policy| *policy != "delete") {
        advice.push(format!(
            "topic {topic} is compacted (cleanup.policy={policy}), which drops iterations and refuses a fresh start; run `{}`",
            alter("cleanup.policy=delete")
        ));
    }
    if facts.partitions > 1 {
        advice.push(format!(
            "topic {topic} has {} partitions; kymo uses the first only, because a run needs one order: delete the topic and let kymo make it",
            facts.partitions
        ));
    }
    if brokers >= 3 && facts.replicas < 3 {
        advice.push(format!(
            "topic {topic} has {} of 3 possible copies (replication factor), so losing a broker can lose the run; delete the topic and let kymo make it, or add copies with kafka-reassign-partitions.sh",
            facts.replicas
        ));
    }
    if facts.replicas >= 3
        && let Some(in_sync) = number("min.insync.replicas").filter(|in_sync| *in_sync < 2)
    {
        advice.push(format!(
            "topic {topic} acknowledges what only {in_sync} broker has (min.insync.replicas={in_sync}); run `{}`",
            alter("min.insync.replicas=2")
        ));
    }
    if get("unclean.leader.election.enable") == Some("true") {
        advice.push(format!(
            "topic {topic} may choose a leader that lacks acknowledged records (unclean.leader.election.enable); run `{}`",
            alter("unclean.leader.election.enable=false")
        ));
    }
    advice
}

fn in_words(milliseconds: i64) -> String {
    let (amount, unit) = match milliseconds {
        ..60_000 => (milliseconds / 1000, "second"),
        60_000..3_600_000 => (milliseconds / 60_000, "minute"),
        3_600_000..86_400_000 => (milliseconds / 3_600_000, "hour"),
        86_400_000.. => (milliseconds / 86_400_000, "day"),
    };
    format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(partitions: usize, replicas: usize) -> TopicFacts {
        TopicFacts { partitions, replicas }
    }

    fn configuration(entries: &[(&str, &str)]) -> Configuration {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_topic_of_ours_needs_no_advice() {
        let ours = configuration(&[
            ("retention.ms", "-1"),
            ("retention.bytes", "-1"),
            ("cleanup.policy", "delete"),
            ("min.insync.replicas", "2"),
            ("unclean.leader.election.enable", "false"),
        ]);
        assert_eq!(advise("airy", &facts(1, 3), 3, &ours), Vec::<String>::new());
        let alone = configuration(&[("retention.ms", "-1"), ("min.insync.replicas", "1")]);
        assert_eq!(advise("airy", &facts(1, 1), 1, &alone), Vec::<String>::new());
    }

    #[test]
    fn a_foreign_topic_is_told_what_is_wrong_and_what_to_run() {
        let foreign = configuration(&[
            ("retention.ms", "604800000"),
            ("retention.bytes", "1000"),
            ("cleanup.policy", "compact"),
            ("min.insync.replicas", "1"),
            ("unclean.leader.election.enable", "true"),
        ]);
        let advice = advise("airy", &facts(2, 3), 3, &foreign);
        for (sentence, part) in advice.iter().zip([
            "older than 7 days (retention.ms=604800000)",
            "retention.bytes=-1",
            "cleanup.policy=delete",
            "2 partitions",
            "min.insync.replicas=2",
            "unclean.leader.election.enable=false",
        ]) {
            assert!(sentence.contains(part), "{part}: {sentence}");
        }
        assert_eq!(advice.len(), 6);
        let thin = advise("airy", &facts(1, 1), 3, &Configuration::new());
        assert!(thin[0].contains("1 of 3 possible copies"), "{thin:?}");
    }
}
