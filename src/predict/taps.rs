//! The neighbours of a pixel. All lie in rows that are known when the pixel is decoded: in its own plane to the left
//! and above, in planes decoded before on all sides.

/// A neighbour: rows down (negative: up) and columns right (negative: left).
pub type Tap = (i32, i32);

/// Neighbours in the plane that is being decoded.
pub const OWN: [Tap; 10] =
    [(0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-2, 1), (-2, -1), (-1, 2), (-1, -2)];

/// Neighbours in a plane decoded before.
pub const OTHER: [Tap; 13] = [
    (0, 0),
    (0, -1),
    (-1, 0),
    (-1, -1),
    (-1, 1),
    (0, -2),
    (-2, 0),
    (-2, 1),
    (-2, -1),
    (-1, 2),
    (-1, -2),
    (0, 1),
    (1, 0),
];

/// Neighbours whose errors are looked at, in the plane that is being decoded.
pub const OWN_ERRORS: [Tap; 6] = [(0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0)];

/// Neighbours whose errors are looked at, in a plane decoded before.
pub const OTHER_ERRORS: [Tap; 9] =
    [(0, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];

/// Pairs of neighbours in the own plane whose differences are looked at: W - NW, N - NW, NE - N.
pub const GRADIENTS: [(Tap, Tap); 3] = [((0, -1), (-1, -1)), ((-1, 0), (-1, -1)), ((-1, 1), (-1, 0))];

/// Rows above and columns beside a plane that taps may reach.
pub const REACH: usize = 2;

/// Plane and place of every tap of the prediction in plane `plane`, in the order of the weights.
pub fn prediction(plane: usize) -> Vec<(usize, Tap)> {
    of(plane, &OWN, &OTHER)
}

/// Plane and place of every error that enters the energy in plane `plane`, in the order of their weights.
pub fn errors(plane: usize) -> Vec<(usize, Tap)> {
    of(plane, &OWN_ERRORS, &OTHER_ERRORS)
}

fn of(plane: usize, own: &[Tap], other: &[Tap]) -> Vec<(usize, Tap)> {
    let before = (0..plane).flat_map(|q| other.iter().map(move |&tap| (q, tap)));
    own.iter().map(|&tap| (plane, tap)).chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_to_the_left_have_the_places_that_the_scalar_walk_knows() {
        for taps in [&OWN[..], &OWN_ERRORS[..]] {
            let left: Vec<usize> = (0..taps.len()).filter(|&i| taps[i].0 == 0).collect();
            assert_eq!(left, [0, 4]);
            assert_eq!((taps[0], taps[4]), ((0, -1), (0, -2)));
        }
        assert_eq!(GRADIENTS[0], ((0, -1), (-1, -1)));
        assert!(GRADIENTS[1..].iter().all(|(a, b)| a.0 < 0 && b.0 < 0));
    }
}
