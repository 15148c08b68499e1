//! Tests the reader of part lists.

use proptest::prelude::*;

use super::*;

fn document(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(number, etag)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    });
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

fn read(text: &str) -> Result<Vec<(u32, String)>, OssErrorKind> {
    let parts = read_part_list(text.as_bytes()).map_err(|error| error.kind())?;
    Ok(parts.into_iter().map(|part| (part.number, part.etag)).collect())
}

#[test]
fn the_spellings_of_the_official_clients_are_read() {
    let expected = Ok(vec![(1, "\"A1\"".to_owned()), (7, "\"B2\"".to_owned())]);
    for quote in ["\"", "&quot;", "&#34;", "&#x22;"] {
        let etags = ["A1", "B2"].map(|etag| format!("{quote}{etag}{quote}"));
        assert_eq!(read(&document(&[("1", &etags[0]), ("7", &etags[1])])), expected, "{quote}");
    }
    let formatted = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUpload>\n\
        <Part>\n<PartNumber>1</PartNumber>\n<ETag>\"A1\"</ETag>\n</Part>\n\
        <Part>\r\n\t<ETag>\"B2\"</ETag> <PartNumber>7</PartNumber></Part>\n\
        </CompleteMultipartUpload>\n";
    assert_eq!(read(formatted), expected);
    assert_eq!(read(&document(&[("1", "A1")])), Ok(vec![(1, "A1".to_owned())]));
    assert_eq!(read(&document(&[("1", "")])), Ok(vec![(1, String::new())]));
}

#[test]
fn anything_else_is_malformed() {
    let part = "<Part><PartNumber>1</PartNumber><ETag>\"A\"</ETag></Part>";
    let root =
        |content: &str| format!("<CompleteMultipartUpload>{content}</CompleteMultipartUpload>");
    let good = root(part);
    let nested = root(&part.replace("\"A\"", "<B><C><D><E/></D></C></B>"));
    for text in [
        "",
        " ",
        "\u{feff}",
        "x",
        "{}",
        &root(""),
        "<CompleteMultipartUpload/>",
        "<CompleteMultipartUpload>",
        &good[..good.len() - 1],
        &good.replace("</Part>", "</part>"),
        &format!("{good}{good}"),
        &format!("{good}x"),
        &format!("{good}&#32;"),
        &format!(" <?xml version=\"1.0\"?>{good}"),
        &format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{good}"),
        &format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{good}"),
        &format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{good}"),
        &format!("<!-- a -->{good}"),
        &format!("<?a b?>{good}"),
        &good.replace("<Part>", "<Part a=\"b\">"),
        &good.replace("<Part>", "<Part><Size>1</Size>"),
        &good.replace("<CompleteMultipartUpload>", "<CompleteMultipartUpload xmlns=\"a\">"),
        &good.replace("<PartNumber>1</PartNumber>", ""),
        &good.replace("<ETag>\"A\"</ETag>", ""),
        &good.replace("</Part>", "<ETag>\"B\"</ETag></Part>"),
        &good.replace("</Part>", "x</Part>"),
        &good.replace("\"A\"", "<![CDATA[\"A\"]]>"),
        &good.replace("\"A\"", "&b;"),
        &good.replace("\"A\"", "&#0;"),
        &good.replace("\"A\"", "&#xD800;"),
        &good.replace("\"A\"", "&"),
        &good.replace("\"A\"", "\u{1}"),
        &good.replace("\"A\"", &"A".repeat(MAX_TEXT + 1)),
        &good.replace(">1<", "><"),
        &good.replace(">1<", "> 1<"),
        &good.replace(">1<", ">+1<"),
        &good.replace(">1<", ">one<"),
        &nested,
    ] {
        assert_eq!(read(text), Err(OssErrorKind::XmlMalformed), "{text}");
    }
    let bytes = good.replace("\"A\"", "é").into_bytes();
    let cut = [&bytes[..bytes.len() / 2], b"\xff", &bytes[bytes.len() / 2..]].concat();
    assert_eq!(read_part_list(&cut).unwrap_err().kind(), OssErrorKind::XmlMalformed);
}

#[test]
fn numbers_are_ascending_and_in_range() {
    let numbers = |numbers: &[&str]| {
        let parts: Vec<_> = numbers.iter().map(|number| (*number, "A")).collect();
        read(&document(&parts)).map(|parts| parts.len())
    };
    assert_eq!(numbers(&["1", "2", "9999", "10000"]), Ok(4));
    assert_eq!(numbers(&["2", "1"]), Err(OssErrorKind::PartOrderInvalid));
    assert_eq!(numbers(&["1", "1"]), Err(OssErrorKind::PartOrderInvalid));
    for number in ["0", "10001", "4294967297", "99999999999999999999"] {
        assert_eq!(numbers(&[number]), Err(OssErrorKind::ListedNumberInvalid), "{number}");
    }
}

#[test]
fn the_longest_list_of_parts_fits_and_a_longer_body_does_not() {
    let etag = format!("&quot;{}&quot;", "0".repeat(32));
    let numbers: Vec<_> = (1..=MAX_PARTS).map(|number| number.to_string()).collect();
    let parts: Vec<_> = numbers.iter().map(|number| (number.as_str(), etag.as_str())).collect();
    assert_eq!(read(&document(&parts)).unwrap().len(), 10_000);
    let padded = format!("{}{}", document(&parts), " ".repeat(4 * 1024 * 1024));
    assert_eq!(read(&padded), Err(OssErrorKind::XmlMalformed));
}

/// Pieces from which documents are made that are almost valid.
const PIECES: [&str; 16] = [
    "<CompleteMultipartUpload>",
    "</CompleteMultipartUpload>",
    "<Part>",
    "</Part>",
    "<PartNumber>",
    "</PartNumber>",
    "<ETag>",
    "</ETag>",
    "1",
    "2",
    "\"A\"",
    "&quot;",
    "&",
    "<!--",
    "<?xml version=\"1.0\"?>",
    " ",
];

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in any::<Vec<u8>>()) {
        let _ = read_part_list(&text);
    }

    #[test]
    fn an_accepted_document_has_ascending_numbers(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
    ) {
        if let Ok(parts) = read_part_list(pieces.concat().as_bytes()) {
            prop_assert!(!parts.is_empty());
            prop_assert!(parts.windows(2).all(|pair| pair[0].number < pair[1].number));
        }
    }

    #[test]
    fn a_written_list_is_read_again(
        parts in prop::collection::btree_map(1..=MAX_PARTS, "[ -~é]{0,20}", 1..20),
    ) {
        let written: Vec<_> = parts
            .iter()
            .map(|(number, etag)| (number.to_string(), crate::xml::XmlEscaped(etag).to_string()))
            .collect();
        let listed: Vec<_> =
            written.iter().map(|(number, etag)| (number.as_str(), etag.as_str())).collect();
        let expected: Vec<_> = parts.into_iter().collect();
        prop_assert_eq!(read(&document(&listed)), Ok(expected));
    }
}
