//! Ai(x), the Airy function, with an absolute error below 1e-13 on the whole line.
//! Only +, -, *, /, sqrt and the `libm` crate, so that every CPU gives the same bits.

use std::array::from_fn;
use std::f64::consts::FRAC_1_SQRT_2;

const ROOT_OF_PI: f64 = 1.772_453_850_905_516;

/// Beyond this the asymptotic series are exact to the last digits.
const FAR: f64 = 9.0;

/// Above this z^(3/2) 2/3 ten terms of the asymptotic series are enough.
const VERY_FAR: f64 = 60.0;

/// Ai(x) as `factor * exp(-exponent)`: apart, so that Ai(x) exp(a x) survives where each alone would not.
pub struct Scaled {
    /// What stands before the exponential.
    pub factor: f64,
    /// Zero for x up to 9, x^(3/2) 2/3 above.
    pub exponent: f64,
}

/// Ai(x).
pub fn ai(x: f64) -> f64 {
    let scaled = ai_scaled(x);
    scaled.factor * libm::exp(-scaled.exponent)
}

/// Ai of several x at once, the same numbers as one by one; `None` unless all lie far to the left.
pub fn ai_far_left<const N: usize>(x: [f64; N]) -> Option<[f64; N]> {
    x.iter().all(|x| *x < -FAR).then(|| oscillating(x.map(|x| -x)))
}

/// Ai(x) with its exponential decay kept apart.
pub fn ai_scaled(x: f64) -> Scaled {
    match x {
        _ if x > FAR => decaying(x),
        _ if x < -FAR => Scaled {
            factor: oscillating([-x])[0],
            exponent: 0.0,
        },
        _ => Scaled {
            factor: near(x),
            exponent: 0.0,
        },
    }
}

/// DLMF 9.7.5.
fn decaying(x: f64) -> Scaled {
    let root = x.sqrt();
    let zeta = x * root * (2.0 / 3.0);
    let terms = series_length(zeta);
    let inverse = -1.0 / zeta;
    let sum = U[..terms].iter().rev().fold(0.0, |sum, u| sum * inverse + u);
    Scaled {
        factor: sum / (2.0 * ROOT_OF_PI * root.sqrt()),
        exponent: zeta,
    }
}

/// Ai(-z), DLMF 9.7.9, of several z at once: the processor computes them side by side. The phase reaches
/// hundreds of radians, so it is carried in two pieces.
fn oscillating<const N: usize>(z: [f64; N]) -> [f64; N] {
    let root = z.map(f64::sqrt);
    let phases: [_; N] = from_fn(|i| phase(z[i], root[i]));
    let terms = series_length(phases[0].0);
    if phases.iter().any(|(zeta, _)| series_length(*zeta) != terms) {
        return z.map(|z| oscillating([z])[0]);
    }
    let inverse = phases.map(|(zeta, _)| 1.0 / zeta);
    let step = inverse.map(|inverse| -inverse * inverse);
    let (mut even, mut odd) = ([0.0; N], [0.0; N]);
    for pair in U[..terms].chunks_exact(2).rev() {
        for i in 0..N {
            even[i] = even[i] * step[i] + pair[0];
            odd[i] = odd[i] * step[i] + pair[1];
        }
    }
    let circle = phases.map(|(zeta, _)| libm::sincos(zeta));
    from_fn(|i| {
        let ((sin, cos), rest) = (circle[i], phases[i].1);
        let (sin, cos) = (sin + rest * cos, cos - rest * sin);
        let odd = odd[i] * inverse[i];
        // cos(zeta - pi/4) and sin(zeta - pi/4) without subtracting an inexact pi/4.
        let (shifted_cos, shifted_sin) = ((cos + sin) * FRAC_1_SQRT_2, (sin - cos) * FRAC_1_SQRT_2);
        (shifted_cos * even[i] + shifted_sin * odd) / (ROOT_OF_PI * root[i].sqrt())
    })
}

fn series_length(zeta: f64) -> usize {
    if zeta > VERY_FAR { 10 } else { U.len() }
}

/// z^(3/2) 2/3 as a sum of two f64; `root` is the square root of z.
fn phase(z: f64, root: f64) -> (f64, f64) {
    let (square, square_rest) = exact_product(root, root);
    let root_rest = ((z - square) - square_rest) / (2.0 * root);
    let (power, power_rest) = exact_product(z, root);
    let zeta = 2.0 * power / 3.0;
    // Both differences are exact: the operands are within a factor of two.
    let division_rest = (2.0 * power - 2.0 * zeta) - zeta;
    (zeta, (division_rest + 2.0 * (power_rest + z * root_rest)) / 3.0)
}

/// a b as product and rounding error (Dekker), without a fused multiply-add that some CPUs lack.
fn exact_product(a: f64, b: f64) -> (f64, f64) {
    let split = |x: f64| {
        let shifted = 134_217_729.0 * x;
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    let product = a * b;
    (product, ((ah * bh - product) + ah * bl + al * bh) + al * bl)
}

/// Taylor's series around the nearest centre.
fn near(x: f64) -> f64 {
    let index = (x * 2.0).round() + 18.0;
    let h = x - centre(index as usize);
    let series = &TAYLOR[index as usize];
    series.iter().rev().fold(0.0, |sum, c| sum * h + c)
}

const fn centre(index: usize) -> f64 {
    index as f64 / 2.0 - FAR
}

/// y'' = x y gives the coefficients around each centre.
const TAYLOR: [[f64; 20]; CENTRES.len()] = {
    let mut all = [[0.0; 20]; CENTRES.len()];
    let mut i = 0;
    while i < all.len() {
        let ((value, slope), centre) = (CENTRES[i], centre(i));
        let series = &mut all[i];
        (series[0], series[1], series[2]) = (value, slope, centre * value / 2.0);
        let mut n = 3;
        while n < series.len() {
            series[n] = (centre * series[n - 2] + series[n - 3]) * INVERSES[n];
            n += 1;
        }
        i += 1;
    }
    all
};

/// 1 / (n (n-1)).
const INVERSES: [f64; 20] = {
    let mut inverses = [0.0; 20];
    let mut n = 2;
    while n < 20 {
        inverses[n] = 1.0 / (n * (n - 1)) as f64;
        n += 1;
    }
    inverses
};

/// u_k of DLMF 9.7.2.
const U: [f64; 20] = [
    1.0,
    0.06944444444444445,
    0.037133487654320986,
    0.03799305912780064,
    0.05764919041266972,
    0.11609906402551541,
    0.2915913992307505,
    0.8776669695100169,
    3.079453030173167,
    12.34157333234524,
    55.62278536591708,
    278.46508077760257,
    1533.1694320127956,
    9207.206599726414,
    59892.51356587907,
    419524.87511655106,
    3148257.4178668265,
    25198919.871602368,
    214288036.96368033,
    1929375549.1824932,
];

/// Ai and Ai' at -9, -8.5, ... 9 (mpmath, 60 digits).
const CENTRES: [(f64, f64); 37] = [
    (-0.022133721547341403, -0.9756639809263316),
    (-0.33029023763020887, -0.03231334828463914),
    (-0.0527050503563862, 0.9355609381983065),
    (0.3217757163806479, 0.3188095066985546),
    (0.18428083525050565, -0.7710081684101265),
    (-0.2380203019971158, -0.6749524925132022),
    (-0.3291451736298231, 0.3459354872813429),
    (0.017781541276574976, 0.8641972177713984),
    (0.35076100902411433, 0.32719281855444315),
    (0.2921527810559595, -0.5233625323157477),
    (-0.07026553294928951, -0.7906285753685813),
    (-0.37553382314043193, -0.34344343345404815),
    (-0.37881429367765806, 0.3145837692165988),
    (-0.11232506769296609, 0.6788527342647943),
    (0.22740742820168558, 0.618259020741691),
    (0.4642565777488694, 0.3091869672024104),
    (0.5355608832923521, -0.01016056711664521),
    (0.4757280916105396, -0.20408167033954738),
    (0.3550280538878172, -0.2588194037928068),
    (0.23169360648083348, -0.2249105326646839),
    (0.13529241631288141, -0.1591474412967932),
    (0.07174949700810541, -0.09738201284230132),
    (0.03492413042327438, -0.05309038443365363),
    (0.01572592338047049, -0.02625088103590323),
    (0.006591139357460719, -0.011912976705951319),
    (0.002584098786989635, -0.005004413967952583),
    (0.0009515638512048018, -0.001958640950204179),
    (0.00033025032351430896, -0.0007178665675575089),
    (0.00010834442813607442, -0.0002474138908684625),
    (3.368531190859981e-05, -8.046339130556515e-05),
    (9.947694360252889e-06, -2.4765200397034955e-05),
    (2.7958823432049136e-06, -7.231931466601793e-06),
    (7.492128863997167e-07, -2.008150894738792e-06),
    (1.9172560675134309e-07, -5.312713959720545e-07),
    (4.6922076160992316e-08, -1.3414392979067865e-07),
    (1.0997009755195506e-08, -3.237725440447602e-08),
    (2.47116843087249e-09, -7.480641389658946e-09),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_mpmath() {
        let table = include_str!("../../tests/data/ai.tsv");
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let (x, expected) = line.split_once('\t').unwrap();
            let (x, expected): (f64, f64) = (x.parse().unwrap(), expected.parse().unwrap());
            // Far to the left even an exact phase is as coarse as x itself.
            let allowed = if x < -100.0 { 1e-12 } else { 2e-15 };
            assert!(
                (ai(x) - expected).abs() <= allowed,
                "Ai({x}) = {} not {expected}",
                ai(x)
            );
            if x > 0.0 {
                assert!(
                    (ai(x) / expected - 1.0).abs() < 1e-12,
                    "Ai({x}) = {} not {expected}",
                    ai(x)
                );
            }
        }
    }

    #[test]
    fn its_pieces_meet() {
        for x in [-9.0, 9.0, -8.75, 0.25, 8.25] {
            let step = f64::EPSILON * 16.0;
            assert!((ai(x - step) - ai(x + step)).abs() < 1e-14, "a step at {x}");
        }
    }
}
