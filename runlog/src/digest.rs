//! What a record says, as a hash: equal hashes mean equal results, bit for bit.
//! Over the meaning, not the text: neither spacing, nor parts, nor the log's kind, nor `pace`
//! changes it (docs/records.md, "Digest").

use sha2::{Digest, Sha256};

use crate::record::{Axis, Points, Quantity, Record};

/// The first half of a SHA-256 over the record's meaning.
pub(crate) type IterationDigest = [u8; 16];

pub(crate) fn of_record(record: &Record) -> IterationDigest {
    let mut hash = Meaning(Sha256::new());
    hash.number(record.iteration);
    hash.number(record.total.unwrap_or(0));
    let axes = sorted(&record.axes);
    hash.number(axes.len() as u64);
    for (name, axis) in axes {
        hash.text(name);
        hash.axis(axis);
    }
    let values = sorted(&record.values);
    hash.number(values.len() as u64);
    for (name, value) in values {
        hash.text(name);
        hash.quantity(value);
    }
    hash.optional(record.state.as_deref());
    let whole = hash.0.finalize();
    let mut half = IterationDigest::default();
    half.copy_from_slice(&whole[..16]);
    half
}

/// The digest of a prefix: hex SHA-256 over its iterations' digests in order.
pub(crate) fn of_prefix(iterations: &[IterationDigest]) -> String {
    let mut hash = Sha256::new();
    iterations.iter().for_each(|digest| hash.update(digest));
    hex::encode(hash.finalize())
}

fn sorted<T>(entries: &[(String, T)]) -> Vec<&(String, T)> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

/// Little-endian numbers, each list and text behind its length.
struct Meaning(Sha256);

impl Meaning {
    fn number(&mut self, n: u64) {
        self.0.update(n.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn float(&mut self, x: f64) {
        self.0.update(bits(x));
    }

    fn floats(&mut self, numbers: &[f64]) {
        self.number(numbers.len() as u64);
        let mut buffer = [0; 8 * 512];
        for chunk in numbers.chunks(512) {
            for (place, x) in buffer.chunks_exact_mut(8).zip(chunk) {
                place.copy_from_slice(&bits(*x));
            }
            self.0.update(&buffer[..8 * chunk.len()]);
        }
    }

    fn axis(&mut self, axis: &Axis) {
        self.optional(axis.unit.as_deref());
        match &axis.points {
            Points::Listed { values } => {
                self.0.update([0]);
                self.floats(values);
            }
            Points::Even { start, step, count } => {
                self.0.update([1]);
                self.float(*start);
                self.float(*step);
                self.number(*count as u64);
            }
        }
    }

    fn quantity(&mut self, quantity: &Quantity) {
        match quantity {
            Quantity::Scalar(x) => {
                self.0.update([0]);
                self.float(*x);
            }
            Quantity::Array(array) => {
                self.0.update([1]);
                self.optional(array.unit.as_deref());
                self.number(array.axes.len() as u64);
                array.axes.iter().for_each(|axis| self.text(axis));
                self.floats(&array.data);
            }
        }
    }
}

/// Every NaN is the same NaN; -0 and 0 differ.
fn bits(x: f64) -> [u8; 8] {
    let x = if x.is_nan() {
        f64::NAN.to_bits() & !(1 << 63)
    } else {
        x.to_bits()
    };
    x.to_le_bytes()
}
