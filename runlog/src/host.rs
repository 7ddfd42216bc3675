//! `kymo.hosts`: which hosts there are, what each has and how much of it is taken. A host says so every few seconds;
//! whoever has not heard of it for longer than a claim lasts takes it for gone. Together they are the pool.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::shown;

pub const TOPIC: &str = "kymo.hosts";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

/// How often a host speaks: three times within the length of a claim.
pub const EVERY: std::time::Duration = crate::claim::RENEWAL;
/// Longest label, in characters.
const LONGEST_LABEL: usize = 40;

/// What a host says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    pub host: String,
    /// One life of its initiator.
    pub life: Uuid,
    /// By the host's own clock.
    pub at: DateTime<Utc>,
    #[serde(default)]
    pub labels: Vec<String>,
    pub capacity: Capacity,
    #[serde(default)]
    pub taken: Taken,
    /// Its initiator ends in good order. The runs that it began go on.
    #[serde(default)]
    pub left: bool,
}

/// What a host has for runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    pub cores: u32,
    pub memory: Memory,
}

/// What its runs have taken of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub runs: u32,
    pub cores: u32,
    pub memory: Memory,
}

/// What a solver needs of a host. Nothing stated, nothing counted: such a run takes one of the host's runs only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Needs {
    #[serde(skip_serializing_if = "is_zero")]
    pub cores: u32,
    #[serde(skip_serializing_if = "Memory::is_none")]
    pub memory: Memory,
    /// Labels that the host must have, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
}

/// Bytes of memory, as people write them: `8 GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub u64);

/// Whether a run can be on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Now.
    Free,
    /// Later: something else has the room.
    Taken(String),
    /// Never on this host.
    Unfit(String),
}

impl Needs {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// With the labels that the order adds.
    pub fn and_on(mut self, on: &[String]) -> Self {
        for label in on {
            if !self.on.contains(label) {
                self.on.push(label.clone());
            }
        }
        self
    }
}

impl Taken {
    pub fn add(&mut self, needs: &Needs) {
        self.runs = self.runs.saturating_add(1);
        self.cores = self.cores.saturating_add(needs.cores);
        self.memory = Memory(self.memory.0.saturating_add(needs.memory.0));
    }
}

impl HostRecord {
    /// A host's own name is one of its labels.
    pub fn has_label(&self, label: &str) -> bool {
        self.host == label || self.labels.iter().any(|own| own == label)
    }

    /// Whether a run with these needs can be here; the reason is about this host: `has 2 of 2 runs`.
    pub fn place(&self, needs: &Needs) -> Place {
        let (has, taken) = (&self.capacity, &self.taken);
        if let Some(label) = needs.on.iter().find(|label| !self.has_label(label)) {
            return Place::Unfit(format!("has no label {}", shown(label)));
        }
        if has.runs == Some(0) {
            return Place::Unfit("takes no runs".to_owned());
        }
        if needs.cores > has.cores {
            return Place::Unfit(format!("has {} in all", cores(has.cores)));
        }
        if needs.memory > has.memory {
            return Place::Unfit(format!("has {} of memory in all", has.memory));
        }
        if has.runs.is_some_and(|runs| taken.runs >= runs) {
            let runs = has.runs.unwrap_or_default();
            return Place::Taken(format!("has {} of {runs} runs", taken.runs));
        }
        let free = has.cores.saturating_sub(taken.cores);
        if needs.cores > free {
            return Place::Taken(format!("has {free} of {} free", cores(has.cores)));
        }
        let free = Memory(has.memory.0.saturating_sub(taken.memory.0));
        if needs.memory > free {
            return Place::Taken(format!("has {free} of {} of memory free", has.memory));
        }
        Place::Free
    }
}

fn cores(number: u32) -> String {
    match number {
        1 => "1 core".to_owned(),
        number => format!("{number} cores"),
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// `2 cores, 4 GiB of memory, on gpu`; empty when nothing is needed.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.cores > 0 {
            parts.push(cores(self.cores));
        }
        if !self.memory.is_none() {
            parts.push(format!("{} of memory", self.memory));
        }
        if !self.on.is_empty() {
            parts.push(format!("on {}", self.on.join(" and ")));
        }
        f.write_str(&parts.join(", "))
    }
}

/// A label as a person writes it.
pub fn check_label(label: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match label.chars().all(fits) && (1..=LONGEST_LABEL).contains(&label.len()) {
        true => Ok(()),
        false => Err(format!(
            "{} is no label; write 1 to {LONGEST_LABEL} letters, digits, hyphens, dots or underscores, e.g. gpu",
            shown(label)
        )),
    }
}

const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

impl Memory {
    pub fn is_none(&self) -> bool {
        self.0 == 0
    }
}

/// In the largest unit that keeps it readable: `7.6 GiB`.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in UNITS {
            if self.0 >= 1 << shift {
                let amount = self.0 as f64 / (1u64 << shift) as f64;
                let text = format!("{amount:.1}");
                return write!(f, "{} {unit}", text.trim_end_matches(".0"));
            }
        }
        write!(f, "{} B", self.0)
    }
}

/// `8 GiB`, `512MiB`; `GB` and `MB` are taken for the same.
impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{} is no amount of memory; write e.g. 512 MiB or 8 GiB",
                shown(text)
            )
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or_else(wrong)?;
        let (number, unit) = trimmed.split_at(split);
        let unit = unit.to_ascii_lowercase().replace('i', "");
        let shift = UNITS
            .iter()
            .find(|(name, _)| name.to_ascii_lowercase().replace('i', "") == unit)
            .map(|(_, shift)| *shift)
            .ok_or_else(wrong)?;
        let amount: f64 = number.trim().parse().map_err(|_| wrong())?;
        let bytes = amount * (1u64 << shift) as f64;
        if bytes.is_finite() && (0.0..=(1u64 << 53) as f64).contains(&bytes) {
            Ok(Self(bytes as u64))
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn host() -> HostRecord {
        HostRecord {
            host: "lab".to_owned(),
            life: Uuid::nil(),
            at: DateTime::UNIX_EPOCH,
            labels: vec!["gpu".to_owned()],
            capacity: Capacity {
                runs: Some(2),
                cores: 4,
                memory: Memory(8 * GIB),
            },
            taken: Taken {
                runs: 1,
                cores: 3,
                memory: Memory(2 * GIB),
            },
            left: false,
        }
    }

    fn needs(cores: u32, memory: u64, on: &[&str]) -> Needs {
        Needs {
            cores,
            memory: Memory(memory * GIB),
            on: on.iter().map(|&label| label.to_owned()).collect(),
        }
    }

    #[test]
    fn a_host_takes_what_it_has_room_and_labels_for() {
        let mut full = host();
        full.taken.runs = 2;
        let mut none = host();
        none.capacity.runs = Some(0);
        let cases = [
            (host(), needs(0, 0, &[]), Place::Free),
            (host(), needs(1, 6, &["gpu", "lab"]), Place::Free),
            (
                host(),
                needs(0, 0, &["cpu"]),
                Place::Unfit("has no label \"cpu\"".to_owned()),
            ),
            (
                host(),
                needs(5, 0, &[]),
                Place::Unfit("has 4 cores in all".to_owned()),
            ),
            (
                host(),
                needs(0, 9, &[]),
                Place::Unfit("has 8 GiB of memory in all".to_owned()),
            ),
            (none, needs(0, 0, &[]), Place::Unfit("takes no runs".to_owned())),
            (full, needs(0, 0, &[]), Place::Taken("has 2 of 2 runs".to_owned())),
            (
                host(),
                needs(2, 0, &[]),
                Place::Taken("has 1 of 4 cores free".to_owned()),
            ),
            (
                host(),
                needs(0, 7, &[]),
                Place::Taken("has 6 GiB of 8 GiB of memory free".to_owned()),
            ),
        ];
        for (host, needs, expected) in cases {
            assert_eq!(host.place(&needs), expected, "{needs}");
        }
    }

    #[test]
    fn memory_is_written_as_people_write_it() {
        for (text, bytes) in [
            ("8 GiB", 8 * GIB),
            ("1.5gb", 3 * GIB / 2),
            ("512MiB", GIB / 2),
            ("1 TiB", 1024 * GIB),
        ] {
            assert_eq!(text.parse(), Ok(Memory(bytes)), "{text}");
        }
        for text in [
            "",
            "8",
            "GiB",
            "8 parsecs",
            "-1 GiB",
            "1e300 GiB",
            "NaN GiB",
            "inf GiB",
        ] {
            let error = text.parse::<Memory>().expect_err(text);
            assert!(error.contains("8 GiB"), "{error}");
        }
        assert_eq!(Memory(8 * GIB).to_string(), "8 GiB");
        assert_eq!(Memory(GIB * 77 / 10).to_string(), "7.7 GiB");
        assert_eq!(Memory(3).to_string(), "3 B");
    }

    #[test]
    fn labels_are_short_plain_words() {
        assert_eq!(check_label("gpu-a100.fast_1"), Ok(()));
        for label in ["", "two words", "a/b", "ä", &"x".repeat(41)] {
            assert!(check_label(label).is_err(), "{label}");
        }
    }
}
