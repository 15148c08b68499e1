//! The parts of a large file: the rules of a route, the size of a part, and how a file is divided.
//!
//! OSS accepts 1 to 10,000 parts of 100 KiB to 5 GiB; only the last part may be smaller. All parts of an upload have
//! one size and the last has the rest, so number and size of every part follow from the size of the file.

use std::time::Duration;

/// The largest number of parts.
pub const MAX_PARTS: u32 = 10_000;

/// The smallest part in bytes, apart from the last one.
pub const MIN_PART_BYTES: u64 = 100 << 10;

/// The largest part in bytes: 5 GB, as of a form.
pub const MAX_PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The largest object that can be uploaded in parts: 48.8 TB.
pub const MAX_MULTIPART_BYTES: u64 = 48_800_000_000_000;

/// The default size from which a file is uploaded in parts.
pub const DEFAULT_THRESHOLD: u64 = 100 << 20;

/// The smallest default size of a part. Each part has a preflight and a signature of its own.
const MIN_DEFAULT_PART_BYTES: u64 = 8 << 20;

/// The default time within which an upload can be resumed.
pub const DEFAULT_RESUME: Duration = Duration::from_hours(24);

/// The longest time within which an upload can be resumed.
pub const MAX_RESUME: Duration = Duration::from_hours(7 * 24);

/// The default number of parts that a client uploads at once. A browser opens six connections to a host.
pub const DEFAULT_PARALLEL: u8 = 4;

/// The largest number of parts that a client may upload at once.
pub const MAX_PARALLEL: u8 = 32;

/// The rules of a route for uploads in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultipartRules {
    /// The size in bytes from which a client uploads a file in parts.
    pub threshold: u64,
    /// The size of a part in bytes, unless a client asks for another one.
    pub part_size: u64,
    /// How long after its start an upload can be resumed and completed.
    pub resume: Duration,
    /// The number of parts that a client uploads at once.
    pub max_parallel: u8,
    /// Whether an upload may begin without the size of its file, which is then checked only at its end.
    pub unsized_files: bool,
}

/// Returns the smallest part in whole MiB with which [`MAX_PARTS`] parts reach `max_size`, at least 8 MiB.
#[must_use]
pub fn default_part_size(max_size: u64) -> u64 {
    let smallest = max_size.div_ceil(u64::from(MAX_PARTS));
    smallest.next_multiple_of(1 << 20).clamp(MIN_DEFAULT_PART_BYTES, MAX_PART_BYTES)
}

/// A file of a known size, divided into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPlan {
    size: u64,
    part_size: u64,
    count: u32,
}

/// The reason why a file cannot be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartPlanError {
    /// The file is empty, and an upload has at least one part.
    Empty,
    /// OSS accepts no part of this size.
    PartSize,
    /// The parts would be this many.
    TooManyParts(u64),
}

impl PartPlan {
    /// Divides a file of `size` bytes into parts of `part_size` bytes.
    pub fn new(size: u64, part_size: u64) -> Result<Self, PartPlanError> {
        if size == 0 {
            return Err(PartPlanError::Empty);
        }
        if !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&part_size) {
            return Err(PartPlanError::PartSize);
        }
        let count = size.div_ceil(part_size);
        match u32::try_from(count) {
            Ok(count) if count <= MAX_PARTS => Ok(Self { size, part_size, count }),
            _ => Err(PartPlanError::TooManyParts(count)),
        }
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of parts.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the exact length of a part in bytes; `None` if there is no part of this number. The first is 1.
    #[must_use]
    pub fn length(&self, number: u32) -> Option<u64> {
        if !(1..=self.count).contains(&number) {
            return None;
        }
        let start = u64::from(number - 1) * self.part_size;
        Some(self.part_size.min(self.size - start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_part_is_the_smallest_that_reaches_the_limit() {
        const MIB: u64 = 1 << 20;
        for (max_size, part_size) in [
            (1, 8 * MIB),
            (100 * MIB, 8 * MIB),
            (80_000 * MIB, 8 * MIB),
            (80_000 * MIB + 1, 9 * MIB),
            (MAX_MULTIPART_BYTES, 4654 * MIB),
        ] {
            assert_eq!(default_part_size(max_size), part_size, "{max_size}");
            assert!(PartPlan::new(max_size, part_size).is_ok());
        }
        assert!(PartPlan::new(MAX_MULTIPART_BYTES, 4653 * MIB).is_err());
    }

    #[test]
    fn the_last_part_has_the_rest() {
        let plan = PartPlan::new(2_500_000, 1_000_000).unwrap();
        assert_eq!(plan.count(), 3);
        let lengths: Vec<_> = (0..=4).map(|number| plan.length(number)).collect();
        assert_eq!(lengths, [None, Some(1_000_000), Some(1_000_000), Some(500_000), None]);
        let even = PartPlan::new(2_000_000, 1_000_000).unwrap();
        assert_eq!((even.count(), even.length(2)), (2, Some(1_000_000)));
        let small = PartPlan::new(1, MIN_PART_BYTES).unwrap();
        assert_eq!((small.count(), small.length(1)), (1, Some(1)));
    }

    #[test]
    fn a_file_that_cannot_be_divided_is_refused() {
        assert_eq!(PartPlan::new(0, MIN_PART_BYTES), Err(PartPlanError::Empty));
        for part_size in [0, MIN_PART_BYTES - 1, MAX_PART_BYTES + 1] {
            assert_eq!(PartPlan::new(1, part_size), Err(PartPlanError::PartSize));
        }
        let most = MIN_PART_BYTES * u64::from(MAX_PARTS);
        assert_eq!(PartPlan::new(most, MIN_PART_BYTES).unwrap().count(), MAX_PARTS);
        let more = PartPlan::new(most + 1, MIN_PART_BYTES);
        assert_eq!(more, Err(PartPlanError::TooManyParts(10_001)));
        let most = PartPlan::new(u64::MAX, MIN_PART_BYTES);
        assert!(matches!(most, Err(PartPlanError::TooManyParts(_))));
    }

    proptest::proptest! {
        #[test]
        fn the_parts_make_up_the_file(size in 1_u64.., part_size in MIN_PART_BYTES..=MAX_PART_BYTES) {
            if let Ok(plan) = PartPlan::new(size, part_size) {
                let total: u64 = (1..=plan.count()).filter_map(|number| plan.length(number)).sum();
                assert_eq!(total, size);
                assert!((1..=plan.count()).all(|number| plan.length(number).is_some_and(|one| one > 0)));
            }
        }
    }
}
