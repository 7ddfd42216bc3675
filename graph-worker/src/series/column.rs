//! Numbers packed in chunks: growing never copies, so a long series costs its values and no more.

const CHUNK: usize = 1 << 16;

/// A growing column of f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    // All chunks but the last are full. Untouched capacity costs no memory: the system hands pages out on first use.
    chunks: Vec<Vec<f64>>,
}

impl Column {
    pub fn len(&self) -> usize {
        match self.chunks.split_last() {
            None => 0,
            Some((last, full)) => full.len() * CHUNK + last.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push(&mut self, value: f64) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
            // Short series are many: the first chunk grows by doubling.
            None => self.chunks.push(vec![value]),
        }
    }

    pub fn get(&self, index: usize) -> Option<f64> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK).copied()
    }

    pub fn last(&self) -> Option<f64> {
        self.chunks.last()?.last().copied()
    }

    /// Values from `index` on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = f64> + '_ {
        let (chunk, offset) = (index / CHUNK, index % CHUNK);
        self.chunks
            .iter()
            .skip(chunk)
            .enumerate()
            .flat_map(move |(i, c)| {
                c.get(if i == 0 { offset } else { 0 }..)
                    .unwrap_or_default()
                    .iter()
                    .copied()
            })
    }

    /// Values `from..to`, in whole pieces of memory.
    pub fn slices(&self, from: usize, to: usize) -> impl Iterator<Item = &[f64]> + '_ {
        let chunks = from / CHUNK..to.div_ceil(CHUNK).max(from / CHUNK);
        chunks.filter_map(move |i| {
            let base = i * CHUNK;
            let chunk = self.chunks.get(i)?;
            chunk.get(from.saturating_sub(base)..(to - base).min(chunk.len()))
        })
    }

    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        self.chunks.truncate(len.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut() {
            last.truncate(len - (len.div_ceil(CHUNK) - 1) * CHUNK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_a_vector() {
        let mut column = Column::default();
        let n = 3 * CHUNK + 5;
        (0..n).for_each(|i| column.push(i as f64));
        assert_eq!(column.len(), n);
        assert_eq!(column.get(CHUNK), Some(CHUNK as f64));
        assert_eq!(column.get(n), None);
        assert_eq!(column.last(), Some((n - 1) as f64));
        assert_eq!(column.iter_from(CHUNK + 7).count(), n - CHUNK - 7);
        assert_eq!(column.iter_from(CHUNK + 7).next(), Some((CHUNK + 7) as f64));
        let sum = |from, to| column.slices(from, to).flatten().count();
        assert_eq!(
            (sum(3, 3), sum(5, CHUNK), sum(CHUNK - 1, 2 * CHUNK + 1), sum(0, n)),
            (0, CHUNK - 5, CHUNK + 2, n)
        );
        for len in [2 * CHUNK + 1, 2 * CHUNK, 5, 0] {
            column.truncate(len);
            assert_eq!((column.len(), column.iter_from(0).count()), (len, len));
        }
        column.push(1.0);
        assert_eq!(column.iter_from(0).collect::<Vec<_>>(), [1.0]);
    }
}
