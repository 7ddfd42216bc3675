//! What is drawn of a run, as people write it.
//!
//! | text | picture |
//! | --- | --- |
//! | `loss` | a scalar over the iterations |
//! | `x,y,z` | several scalars (up to six) |
//! | `E[x=0.6]` | a slice: the field at the node nearest to that coordinate, over the axis that is left |
//! | `E[t=last]`, `E[last]` | the newest profile: the last row of the first axis |
//! | `u[x=0.5,y=first]` | several axes fixed; `first` and `last` are a field's edges |
//! | `heat:E`, `E heat` | a map over both axes |
//! | `... ordinal` | count the points instead of using coordinates |
//!
//! Axes that are left over are sliced in the middle, so plain `E` draws any field.

use std::fmt;
use std::str::FromStr;

/// The most curves in one picture: more cannot be told apart on a phone.
pub const MOST_CURVES: usize = 6;

/// A view, parsed. Whether a run has such values shows with its first record.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub what: What,
    /// Count points instead of using coordinates.
    pub ordinal: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Curves(Vec<Cut>),
    Heat(String),
}

/// A value with some of its axes fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    pub value: String,
    pub fixed: Vec<Fix>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// `None`: the first axis, as in `E[last]`.
    pub axis: Option<String>,
    pub at: At,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    First,
    Last,
    Coordinate(f64),
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ViewSyntax {
    #[error("a view is empty; name a value, e.g. `loss` or `E[x=0.6]`")]
    Empty,
    #[error(
        "the view {0:?} has an opening bracket without a closing one at its end; write it like `E[x=0.6]`"
    )]
    Bracket(String),
    #[error(
        "{1:?} in the view {0:?} fixes no axis; write `axis=number`, `axis=first`, `axis=last` or `last`"
    )]
    Fix(String, String),
    #[error("the view {0:?} fixes the axis {1:?} twice; fix each axis once")]
    Twice(String, String),
    #[error("the view {0:?} has {1} curves; at most {MOST_CURVES} can be told apart in one picture")]
    TooMany(String, usize),
}

impl FromStr for View {
    type Err = ViewSyntax;

    fn from_str(text: &str) -> Result<Self, ViewSyntax> {
        let whole = text.trim();
        let (rest, ordinal) = match whole.strip_suffix(" ordinal") {
            Some(rest) => (rest.trim(), true),
            None => (whole, false),
        };
        let heat = rest
            .strip_prefix("heat:")
            .or_else(|| rest.strip_suffix(" heat"))
            .map(str::trim);
        let what = match heat {
            Some("") => return Err(ViewSyntax::Empty),
            Some(value) => What::Heat(value.to_owned()),
            None => What::Curves(cuts(rest)?),
        };
        Ok(Self { what, ordinal })
    }
}

fn cuts(text: &str) -> Result<Vec<Cut>, ViewSyntax> {
    let mut cuts = Vec::new();
    let mut depth = 0_u32;
    let items = text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for item in items {
        cuts.push(cut(item.trim())?);
    }
    match cuts.len() {
        1..=MOST_CURVES => Ok(cuts),
        n => Err(ViewSyntax::TooMany(text.to_owned(), n)),
    }
}

fn cut(text: &str) -> Result<Cut, ViewSyntax> {
    let Some((value, inside)) = text.split_once('[') else {
        return match text {
            "" => Err(ViewSyntax::Empty),
            value => Ok(Cut {
                value: value.to_owned(),
                fixed: Vec::new(),
            }),
        };
    };
    let (value, inside) = (value.trim(), inside.strip_suffix(']'));
    let Some(inside) = inside else {
        return Err(ViewSyntax::Bracket(text.to_owned()));
    };
    if value.is_empty() {
        return Err(ViewSyntax::Empty);
    }
    let mut fixed: Vec<Fix> = Vec::new();
    for part in inside.split(',') {
        let fix = fix(part.trim()).ok_or_else(|| ViewSyntax::Fix(text.to_owned(), part.trim().to_owned()))?;
        if fixed.iter().any(|other| other.axis == fix.axis) {
            return Err(ViewSyntax::Twice(text.to_owned(), fix.axis.unwrap_or_default()));
        }
        fixed.push(fix);
    }
    Ok(Cut {
        value: value.to_owned(),
        fixed,
    })
}

fn fix(text: &str) -> Option<Fix> {
    let (axis, at) = match text.split_once('=') {
        Some((axis, at)) if !axis.trim().is_empty() => (Some(axis.trim().to_owned()), at.trim()),
        Some(_) => return None,
        None => (None, text),
    };
    let at = match at {
        "first" => At::First,
        "last" => At::Last,
        // A bare number would leave open which axis is meant.
        number => At::Coordinate(
            number
                .parse()
                .ok()
                .filter(|x: &f64| x.is_finite() && axis.is_some())?,
        ),
    };
    Some(Fix { axis, at })
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Heat(value) => write!(f, "heat:{value}")?,
            What::Curves(cuts) => {
                for (i, cut) in cuts.iter().enumerate() {
                    write!(f, "{}{cut}", if i == 0 { "" } else { "," })?;
                }
            }
        }
        f.write_str(if self.ordinal { " ordinal" } else { "" })
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)?;
        for (i, fix) in self.fixed.iter().enumerate() {
            f.write_str(if i == 0 { "[" } else { "," })?;
            if let Some(axis) = &fix.axis {
                write!(f, "{axis}=")?;
            }
            match fix.at {
                At::First => f.write_str("first")?,
                At::Last => f.write_str("last")?,
                At::Coordinate(x) => write!(f, "{x}")?,
            }
        }
        f.write_str(if self.fixed.is_empty() { "" } else { "]" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_read_and_written() {
        for (text, canonical) in [
            ("loss", "loss"),
            (" x , y,z ", "x,y,z"),
            ("E[x=0.6]", "E[x=0.6]"),
            ("E[ x = 6e-1 ] ordinal", "E[x=0.6] ordinal"),
            ("E[t=last]", "E[t=last]"),
            ("E[last]", "E[last]"),
            ("u[x=0.5,y=first]", "u[x=0.5,y=first]"),
            ("E[x=0],E[x=1]", "E[x=0],E[x=1]"),
            ("heat:E", "heat:E"),
            ("E heat ordinal", "heat:E ordinal"),
            ("натяг[x=1]", "натяг[x=1]"),
        ] {
            let view: View = text.parse().expect(text);
            assert_eq!(view.to_string(), canonical);
            assert_eq!(canonical.parse::<View>(), Ok(view));
        }
    }

    #[test]
    fn what_is_no_view_says_why() {
        for (text, reason) in [
            ("", "a view is empty"),
            ("heat:", "a view is empty"),
            ("x,,y", "a view is empty"),
            ("[x=1]", "a view is empty"),
            ("E[x=0.6", "without a closing one"),
            ("E[x=0.6]z", "without a closing one"),
            ("E[x]", "fixes no axis"),
            ("E[0.6]", "fixes no axis"),
            ("E[x=NaN]", "fixes no axis"),
            ("E[x=1,x=2]", "twice"),
            ("a,b,c,d,e,f,g", "at most 6"),
        ] {
            let error = text.parse::<View>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
