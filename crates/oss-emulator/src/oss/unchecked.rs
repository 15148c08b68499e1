//! What a bucket fails to check: something that looks like OSS and is not strict, such as another
//! store behind a proxy, for tools that have to notice it.

/// Names the checks that are left out; the default leaves none out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unchecked {
    /// Any signature is taken.
    pub signatures: bool,
    /// No condition has to hold but the size.
    pub conditions: bool,
    /// A file may have any size.
    pub sizes: bool,
}
