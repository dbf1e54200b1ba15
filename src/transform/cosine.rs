//! The integer cosine table of the inverse DCT. In: a length N. Out: `round(2^16 a_k cos(pi (2n + 1) k / 2N))` with
//! `a_0 = sqrt(1/N)` and `a_k = sqrt(2/N)`: the orthonormal DCT-II basis in fixed point, the same on every CPU.
//!
//! The library cosine may differ in its last bit between systems, so this one uses only additions, products and
//! square roots of IEEE doubles, whose results are fixed by the standard.

/// Fraction bits of the table.
pub(super) const TABLE_BITS: u32 = 16;

/// Cosine of `pi * numerator / denominator`, to about 15 digits.
fn cosine_of_pi(numerator: u64, denominator: u64) -> f64 {
    // Reduce exactly, in integers, to an angle of at most pi / 4.
    let full = 2 * denominator;
    let mut x = numerator % full;
    if x > denominator {
        x = full - x;
    }
    let (x, negative) = if 2 * x > denominator { (denominator - x, true) } else { (x, false) };
    let value = if 4 * x <= denominator {
        let angle = std::f64::consts::PI * x as f64 / denominator as f64;
        series(angle, 1.0, 1)
    } else {
        // cos(a) = sin(pi/2 - a), and pi/2 - a = pi (denominator - 2x) / (2 denominator).
        let angle = std::f64::consts::PI * (denominator - 2 * x) as f64 / (2 * denominator) as f64;
        series(angle, angle, 2)
    };
    if negative { -value } else { value }
}

/// Taylor series of cosine (`first` = 1, `start` = 1) or sine (`first` = angle, `start` = 2) for small angles.
fn series(angle: f64, first: f64, start: u32) -> f64 {
    let square = angle * angle;
    let mut term = first;
    let mut sum = first;
    for step in 0..12 {
        let k = f64::from(start + 2 * step);
        term = -term * square / (k * (k + 1.0));
        sum += term;
    }
    sum
}

/// Row-major table `[k][n]` of N x N entries.
pub(super) fn table(n: usize) -> Vec<i64> {
    let scale = f64::from(1u32 << TABLE_BITS);
    let first = (1.0 / n as f64).sqrt() * scale;
    let other = (2.0 / n as f64).sqrt() * scale;
    let mut table = Vec::with_capacity(n * n);
    for k in 0..n as u64 {
        let factor = if k == 0 { first } else { other };
        for i in 0..n as u64 {
            let value = factor * cosine_of_pi((2 * i + 1) * k, 2 * n as u64);
            // Half away from zero; `round` is exact for doubles of this size.
            table.push(value.round() as i64);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_agree_with_the_library() {
        for denominator in [1u64, 2, 3, 7, 64, 1000] {
            for numerator in 0..4 * denominator {
                let angle = std::f64::consts::PI * numerator as f64 / denominator as f64;
                let ours = cosine_of_pi(numerator, denominator);
                assert!((ours - angle.cos()).abs() < 1e-13, "{numerator}/{denominator}: {ours}");
            }
        }
    }

    #[test]
    fn the_basis_is_orthonormal_in_fixed_point() {
        for n in [1usize, 2, 8, 31, 32] {
            let t = table(n);
            for a in 0..n {
                for b in 0..n {
                    let dot: i64 = (0..n).map(|i| t[a * n + i] * t[b * n + i]).sum();
                    let wanted = if a == b { 1i64 << (2 * TABLE_BITS) } else { 0 };
                    assert!((dot - wanted).abs() < (n as i64) << (TABLE_BITS + 1), "{n} {a} {b}");
                }
            }
        }
    }
}
