//! Text in NFC: characters that mean the same are the same bytes (Unicode Standard Annex #15).
//!
//! Done over the crate's tables of single characters. Its iterator would bring the tables of
//! compatibility too, which nothing here wants, and which are half of all its bytes.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::char::compose;
use unicode_normalization::char::decompose_canonical;

/// A character and its combining class; 0 is what marks are put on.
type Classed = (u8, char);

/// Composes a text.
pub(super) fn nfc(text: impl Iterator<Item = char>) -> Vec<char> {
    let mut apart: Vec<Classed> = Vec::new();
    for character in text {
        decompose_canonical(character, |one| apart.push((canonical_combining_class(one), one)));
    }
    // Marks on one character stand in the order of their classes, those of one class as they came.
    for run in apart.chunk_by_mut(|_, (class, _)| *class != 0) {
        run.sort_by_key(|(class, _)| *class);
    }
    join(&apart).into_iter().map(|(_, character)| character).collect()
}

/// Puts each mark on the character before it, where the two are one character and nothing stands
/// between that keeps them apart.
fn join(apart: &[Classed]) -> Vec<Classed> {
    let mut joined: Vec<Classed> = Vec::with_capacity(apart.len());
    let mut base: Option<usize> = None;
    for &(class, character) in apart {
        if let Some(at) = base {
            let between = joined.get(at + 1..).and_then(<[_]>::last);
            let free = between.is_none_or(|(last, _)| *last < class);
            let whole = compose(joined[at].1, character).filter(|_| free);
            if let Some(whole) = whole {
                joined[at].1 = whole;
                continue;
            }
        }
        if class == 0 {
            base = Some(joined.len());
        }
        joined.push((class, character));
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn composed(text: &str) -> String {
        nfc(text.chars()).into_iter().collect()
    }

    #[test]
    fn marks_hangul_and_singletons_are_composed() {
        for (apart, whole) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("\u{212b}", "\u{c5}"),
            ("a\u{323}\u{307}", "\u{1ea1}\u{307}"),
            ("a\u{307}\u{323}", "\u{1ea1}\u{307}"),
            ("\u{301}e", "\u{301}e"),
            ("照片", "照片"),
        ] {
            assert_eq!(composed(apart), whole, "{apart:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn it_is_what_the_crates_own_iterator_makes(
            text in "(?s).{0,40}|[aeo\u{41}\u{300}-\u{345}\u{323}\u{1100}-\u{11c2}\u{ac00}-\u{ac20}]{0,40}|[\u{900}-\u{1100}\u{1e00}-\u{2130}\u{f900}-\u{fb50}]{0,40}"
        ) {
            prop_assert_eq!(composed(&text), text.nfc().collect::<String>());
        }
    }
}
