//! The one line that a solver gets on standard input.

use kymo_runlog::{Parameters, Record, Topic};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::state;

/// What to compute and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct JobLine {
    /// The run's topic.
    pub run: Topic,
    /// Every parameter, defaults filled in.
    pub parameters: Parameters,
    /// The last iteration that is in the log already; 0 at the beginning.
    pub resume_after: u64,
    /// Seconds to wait after each iteration.
    pub pace: Option<f64>,
    /// The iterations that the catalogue asks for, oldest first.
    pub records: Option<Vec<Record>>,
    /// The last record's state, when the catalogue asks for it.
    pub state: Option<String>,
    /// Where the next iteration was left, when the solver offered that as a step.
    pub step: Option<String>,
}

/// What came is no job line.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Not the JSON that a watchdog writes.
    #[error(
        "standard input holds no job line ({0}); a watchdog writes one, or use `kymo solver NAME` without --protocol"
    )]
    NotAJob(serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    run: Topic,
    parameters: Parameters,
    resume_after: u64,
    #[serde(default)]
    pace: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Vec<Record>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Box<RawValue>>,
}

impl JobLine {
    /// The line without its line break.
    pub fn to_line(&self) -> String {
        let wire = Wire {
            run: self.run.clone(),
            parameters: self.parameters.clone(),
            resume_after: self.resume_after,
            pace: self.pace,
            records: self.records.clone(),
            state: self.state.as_deref().map(state::to_json),
            step: self.step.as_deref().map(state::to_json),
        };
        serde_json::to_string(&wire).expect("a job's keys are texts, so it is always JSON")
    }

    /// Reads a job line.
    pub fn parse(line: &str) -> Result<Self, JobError> {
        let wire: Wire = serde_json::from_str(line).map_err(JobError::NotAJob)?;
        let Wire {
            run,
            parameters,
            resume_after,
            pace,
            records,
            state,
            step,
        } = wire;
        let state = state.as_deref().and_then(state::to_text);
        let step = step.as_deref().and_then(state::to_text);
        Ok(Self {
            run,
            parameters,
            resume_after,
            pace,
            records,
            state,
            step,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_reads_as_it_was_written() {
        let mut job = JobLine {
            run: Topic::parse("train.rate-0.1").unwrap(),
            parameters: serde_json::from_str(r#"{"rate":0.1,"name":"x"}"#).unwrap(),
            resume_after: 3,
            pace: None,
            records: None,
            state: Some(r#"json:{"w":[1]}"#.to_owned()),
            step: None,
        };
        insta::assert_snapshot!(job.to_line(), @r#"{"run":"train.rate-0.1","parameters":{"name":"x","rate":0.1},"resume_after":3,"pace":null,"state":{"w":[1]}}"#);
        assert_eq!(JobLine::parse(&job.to_line()).unwrap(), job);
        job.records = Some(vec![
            serde_json::from_str(r#"{"iteration":3,"values":{"loss":0.1}}"#).unwrap(),
        ]);
        job.state = None;
        job.step = Some("half-way".to_owned());
        assert_eq!(JobLine::parse(&job.to_line()).unwrap(), job);
        assert!(JobLine::parse("").is_err());
    }
}
