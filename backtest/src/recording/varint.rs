// SPDX-License-Identifier: Apache-2.0
//! Numbers in as few bytes as they need: seven bits a byte, lowest first (LEB128); differences in zigzag.

/// Appends an unsigned number.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// Appends `later − earlier`, small for small distances in either direction; wraps, so nothing is lost.
pub(super) fn put_difference(out: &mut Vec<u8>, later: u64, earlier: u64) {
    let difference = later.wrapping_sub(earlier).cast_signed();
    put(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
}

/// Bytes being decoded. Everything answers `None` where the bytes end or make no sense.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A count of things of which each takes at least `least` bytes: no more can be there than bytes are left.
    pub(super) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count.checked_mul(least)? <= self.0.len()).then_some(count)
    }

    pub(super) fn difference(&mut self, earlier: u64) -> Option<u64> {
        let coded = self.number()?;
        let difference = (coded >> 1) ^ (coded & 1).wrapping_neg();
        Some(earlier.wrapping_add(difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_differences_round_trip(a in any::<u64>(), b in any::<u64>()) {
            let mut out = Vec::new();
            put(&mut out, a);
            put_difference(&mut out, a, b);
            put_difference(&mut out, b, a);
            let mut cursor = Cursor(&out);
            prop_assert_eq!(cursor.number(), Some(a));
            prop_assert_eq!(cursor.difference(b), Some(a));
            prop_assert_eq!(cursor.difference(a), Some(b));
            prop_assert!(cursor.0.is_empty());
        }

        #[test]
        fn any_bytes_end_somewhere(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut cursor = Cursor(&bytes);
            while cursor.number().is_some() {}
        }
    }

    #[test]
    fn small_steps_take_one_byte() {
        let mut out = Vec::new();
        put_difference(&mut out, 1_000_000, 1_000_060);
        assert_eq!(out.len(), 1);
    }
}
