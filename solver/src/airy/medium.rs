//! What stands at each node of the mesh: contrast, conduction and Kerr coefficient, and how they change
//! when the medium is switched.

/// One homogeneous layer, relative to the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// eps_layer / eps_b.
    pub eps: f64,
    /// sigma L Z_b.
    pub sigma: f64,
    /// alpha / eps_b.
    pub kerr: f64,
}

/// The coefficients of one node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// eps - 1.
    pub chi: f64,
    /// sigma.
    pub sigma: f64,
    /// kerr.
    pub kerr: f64,
    /// The largest E^2 at which eps + 3 kerr E^2 >= 1 still holds on both sides.
    pub bound: f64,
}

/// The medium over time: what rows before, at and after the switch see.
#[derive(Clone, Debug, PartialEq)]
pub struct Medium {
    before: Vec<Node>,
    switch: Option<Switch>,
}

#[derive(Clone, Debug, PartialEq)]
struct Switch {
    row: u64,
    at: Vec<Node>,
    after: Vec<Node>,
}

impl Medium {
    /// From the layer of each cell; `switch` gives the row n_s and the layers after it.
    pub fn new(cells: &[Layer], switch: Option<(u64, &[Layer])>) -> Self {
        let before = nodes(cells);
        let switch = switch.map(|(row, cells)| {
            let after = nodes(cells);
            let at = before
                .iter()
                .zip(&after)
                .map(|(old, new)| halfway(old, new))
                .collect();
            Switch { row, at, after }
        });
        Self { before, switch }
    }

    /// The nodes as row `n` sees them. Row -1 is before everything.
    pub fn at_row(&self, n: i64) -> &[Node] {
        match &self.switch {
            Some(switch) if n > switch.row as i64 => &switch.after,
            Some(switch) if n == switch.row as i64 => &switch.at,
            Some(_) | None => &self.before,
        }
    }

    /// The row at which the medium is switched.
    pub fn switch_row(&self) -> Option<u64> {
        self.switch.as_ref().map(|switch| switch.row)
    }

    /// N + 1.
    pub fn node_count(&self) -> usize {
        self.before.len()
    }
}

/// Each coefficient is the average of the two adjacent cells; outside is background.
fn nodes(cells: &[Layer]) -> Vec<Node> {
    let outside = Layer {
        eps: 1.0,
        sigma: 0.0,
        kerr: 0.0,
    };
    let left = std::iter::once(&outside).chain(cells);
    let right = cells.iter().chain(std::iter::once(&outside));
    left.zip(right)
        .map(|(a, b)| Node {
            chi: ((a.eps - 1.0) + (b.eps - 1.0)) / 2.0,
            sigma: (a.sigma + b.sigma) / 2.0,
            kerr: (a.kerr + b.kerr) / 2.0,
            bound: bound(a).min(bound(b)),
        })
        .collect()
}

fn bound(layer: &Layer) -> f64 {
    if layer.kerr < 0.0 {
        (layer.eps - 1.0) / (-3.0 * layer.kerr)
    } else {
        f64::INFINITY
    }
}

/// D and B stay continuous: harmonic mean of 1 + chi, arithmetic mean of sigma.
fn halfway(old: &Node, new: &Node) -> Node {
    let (a, b) = (1.0 + old.chi, 1.0 + new.chi);
    Node {
        chi: if a == b {
            old.chi
        } else {
            2.0 * a * b / (a + b) - 1.0
        },
        sigma: (old.sigma + new.sigma) / 2.0,
        kerr: (old.kerr + new.kerr) / 2.0,
        bound: old.bound.min(new.bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLASS: Layer = Layer {
        eps: 4.0,
        sigma: 0.5,
        kerr: -0.5,
    };

    #[test]
    fn the_ends_see_half_of_the_layer() {
        let medium = Medium::new(&[GLASS; 4], None);
        let nodes = medium.at_row(7);
        assert_eq!(nodes.len(), 5);
        assert_eq!(
            nodes[0],
            Node {
                chi: 1.5,
                sigma: 0.25,
                kerr: -0.25,
                bound: 2.0
            }
        );
        assert_eq!(nodes[4], nodes[0]);
        assert_eq!(
            nodes[2],
            Node {
                chi: 3.0,
                sigma: 0.5,
                kerr: -0.5,
                bound: 2.0
            }
        );
    }

    #[test]
    fn the_row_of_the_switch_sees_means() {
        let after = Layer {
            eps: 2.0,
            sigma: 0.1,
            ..GLASS
        };
        let medium = Medium::new(&[GLASS; 2], Some((3, &[after; 2])));
        let chi = |row| medium.at_row(row)[1].chi;
        assert_eq!((chi(-1), chi(2), chi(4)), (3.0, 3.0, 1.0));
        assert!((chi(3) - (2.0 * 8.0 / 6.0 - 1.0)).abs() < 1e-15);
        assert_eq!(medium.at_row(3)[1].sigma, 0.3);
    }
}
