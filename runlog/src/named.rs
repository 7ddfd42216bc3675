//! JSON objects whose entries keep their order, read with errors that name the entry.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

fn serialize<T: Serialize, S: Serializer>(entries: &[(String, T)], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

struct Entries<T> {
    field: &'static str,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object, name by name", self.field)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(String, T)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if entries.len() == super::limits::NAMES {
                let limit = super::limits::NAMES;
                return Err(de::Error::custom(format!(
                    "{}: there are more than {limit} of them",
                    self.field
                )));
            }
            let shown: String = name.chars().take(40).collect();
            if entries.iter().any(|(n, _)| *n == name) {
                return Err(de::Error::custom(format!(
                    "{}.{shown} stands there twice",
                    self.field
                )));
            }
            let value = map
                .next_value()
                .map_err(|e| de::Error::custom(format!("{}.{shown}: {e}", self.field)))?;
            entries.push((name, value));
        }
        Ok(entries)
    }
}

macro_rules! field {
    ($module:ident, $entries:ident) => {
        pub(crate) struct $entries<T>(pub Vec<(String, T)>);

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $entries<T> {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_map(Entries {
                    field: stringify!($module),
                    of: PhantomData,
                })
                .map(Self)
            }
        }

        pub(crate) mod $module {
            use super::*;

            pub fn serialize<T: Serialize, S: Serializer>(
                entries: &[(String, T)],
                s: S,
            ) -> Result<S::Ok, S::Error> {
                super::serialize(entries, s)
            }
        }
    };
}

field!(axes, Axes);
field!(values, Values);
