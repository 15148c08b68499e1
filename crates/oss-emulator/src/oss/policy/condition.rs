//! One condition of a policy: how it is read, when it holds, how it is printed when it does not.
//!
//! PostObject page, appendix on policies; error code pages 0006-00000216 to 0006-00000224. Knows
//! one condition at a time; which values of the form it is asked about is the policy's business.

use std::fmt;

use crate::oss::policy::json::Json;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// A condition, with the field's name as the policy spells it but without the `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The field has exactly this value.
    Equal(String, String),
    /// The field begins like this.
    StartsWith(String, String),
    /// The field has one of these values.
    In(String, Vec<String>),
    /// The field has none of these values.
    NotIn(String, Vec<String>),
    /// The file has a size between these two, both included.
    SizeRange(u64, u64),
}

impl Condition {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        match json {
            Json::Object(items) => Self::from_object(items),
            Json::List(items) => Self::from_list(items),
            _ => Err(Kind::ConditionShape
                .because("a condition of the policy is neither an object nor an array")),
        }
    }

    fn from_object(items: &[(String, Json)]) -> Result<Self, Refusal> {
        match items {
            [(field, Json::Text(value))] => Ok(Self::Equal(name(field)?, dollars(value))),
            [(field, _)] => Err(wrong_type(format!(
                "the condition on {field:?} compares with something that is not a string"
            ))),
            _ => Err(Kind::ConditionArity
                .because(format!(
                    "a condition written as an object has {} properties; it must have one",
                    items.len()
                ))
                .with_message(
                    "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly \
                     one property specified.",
                )),
        }
    }

    fn from_list(items: &[Json]) -> Result<Self, Refusal> {
        let (operator, operands) = match items.split_first() {
            None => {
                return Err(
                    Kind::OperatorMissing.because("a condition of the policy is an empty array")
                );
            }
            Some((Json::Text(operator), operands)) => (operator.as_str(), operands),
            Some(_) => {
                return Err(wrong_type("a condition's operator is not a string"));
            }
        };
        if !matches!(operator, "eq" | "starts-with" | "in" | "not-in" | "content-length-range") {
            return Err(Kind::OperatorUnknown.because(format!(
                "the operator {operator:?} does not exist; there are eq, starts-with, in, not-in \
                 and content-length-range"
            )));
        }
        let [first, second] = operands else {
            return Err(Kind::ConditionArity.because(format!(
                "a condition with {operator} has {} items; it must have 3",
                items.len()
            )));
        };
        match operator {
            "content-length-range" => Self::size_range(first, second),
            "in" | "not-in" => Self::membership(operator, first, second),
            _ => Self::comparison(operator, first, second),
        }
    }

    fn comparison(operator: &str, field: &Json, value: &Json) -> Result<Self, Refusal> {
        let (Json::Text(field), Json::Text(value)) = (field, value) else {
            return Err(wrong_type(format!(
                "a condition with {operator} has an item that is not a string"
            )));
        };
        let (field, value) = (name(field)?, dollars(value));
        Ok(match operator {
            "eq" => Self::Equal(field, value),
            _ => Self::StartsWith(field, value),
        })
    }

    fn membership(operator: &str, field: &Json, values: &Json) -> Result<Self, Refusal> {
        let Json::Text(field) = field else {
            return Err(wrong_type(format!(
                "the field of a condition with {operator} is not a string"
            )));
        };
        let Json::List(values) = values else {
            return Err(Kind::ListMissing.because(format!(
                "the values of the condition {operator} on {field:?} are not a list"
            )));
        };
        let values: Option<Vec<String>> = values
            .iter()
            .map(|value| match value {
                Json::Text(value) => Some(dollars(value)),
                _ => None,
            })
            .collect();
        let values = values.ok_or_else(|| {
            wrong_type(format!(
                "the list of the condition {operator} on {field:?} holds something that is not a \
                 string"
            ))
        })?;
        let field = name(field)?;
        Ok(match operator {
            "in" => Self::In(field, values),
            _ => Self::NotIn(field, values),
        })
    }

    fn size_range(min: &Json, max: &Json) -> Result<Self, Refusal> {
        let min = integer(min).ok_or_else(|| {
            Kind::RangeMinInvalid.because(
                "the minimum of content-length-range is not a whole number; quotes are not allowed",
            )
        })?;
        let max = integer(max).ok_or_else(|| {
            Kind::RangeMaxInvalid.because(
                "the maximum of content-length-range is not a whole number; quotes are not allowed",
            )
        })?;
        if max < min {
            return Err(Kind::RangeReversed.because(format!(
                "content-length-range ends at {max}, before its start at {min}"
            )));
        }
        Ok(Self::SizeRange(min, max))
    }

    /// Returns the field that the condition is about; none for the file's size.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Equal(field, _)
            | Self::StartsWith(field, _)
            | Self::In(field, _)
            | Self::NotIn(field, _) => Some(field),
            Self::SizeRange(..) => None,
        }
    }

    /// Says whether a value of the field meets the condition.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        match self {
            // The real service was seen to fail a comparison with the empty string: an upload plugin
            // that sent an empty token was refused with this condition in the message.
            Self::Equal(_, wanted) => !wanted.is_empty() && value == wanted,
            Self::StartsWith(_, prefix) => value.starts_with(prefix),
            Self::In(_, values) => values.iter().any(|one| one == value),
            Self::NotIn(_, values) => values.iter().all(|one| one != value),
            Self::SizeRange(..) => true,
        }
    }
}

impl fmt::Display for Condition {
    /// Writes the condition as OSS quotes it: always as an array, with `$` and `", "`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(field, value) => write_one(formatter, "eq", field, value),
            Self::StartsWith(field, value) => write_one(formatter, "starts-with", field, value),
            Self::In(field, values) => write_list(formatter, "in", field, values),
            Self::NotIn(field, values) => write_list(formatter, "not-in", field, values),
            Self::SizeRange(min, max) => {
                write!(formatter, "[\"content-length-range\", {min}, {max}]")
            }
        }
    }
}

fn write_one(
    formatter: &mut fmt::Formatter<'_>,
    operator: &str,
    field: &str,
    value: &str,
) -> fmt::Result {
    let (field, value) = (quote(&format!("${field}")), quote(value));
    write!(formatter, "[\"{operator}\", {field}, {value}]")
}

fn write_list(
    formatter: &mut fmt::Formatter<'_>,
    operator: &str,
    field: &str,
    values: &[String],
) -> fmt::Result {
    let field = quote(&format!("${field}"));
    let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
    write!(formatter, "[\"{operator}\", {field}, [{}]]", values.join(", "))
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn wrong_type(reason: impl Into<String>) -> Refusal {
    Kind::ConditionType.because(reason)
}

/// Takes the `$` off a field's name, which array form has and object form has not; both may.
fn name(field: &str) -> Result<String, Refusal> {
    let name = field.strip_prefix('$').unwrap_or(field);
    if name.is_empty() {
        return Err(Kind::PolicyInvalid.because("a condition of the policy names no field"));
    }
    Ok(name.to_owned())
}

/// Reads `\$` as `$`: some SDKs escape twice, and their tests show that the service takes both.
fn dollars(value: &str) -> String {
    value.replace("\\$", "$")
}

fn integer(json: &Json) -> Option<u64> {
    match json {
        Json::Number(number) => number.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::policy::json;

    fn parse(text: &str) -> Result<Condition, Kind> {
        let json = json::parse(text).unwrap();
        Condition::parse(&json).map_err(|refusal| refusal.kind())
    }

    #[test]
    fn each_operator_is_read_and_printed_as_oss_prints_it() {
        for (written, printed) in [
            (r#"{"key":"a/b"}"#, r#"["eq", "$key", "a/b"]"#),
            (r#"["eq","$key","a\"b"]"#, r#"["eq", "$key", "a\"b"]"#),
            (r#"["starts-with","$key",""]"#, r#"["starts-with", "$key", ""]"#),
            (r#"["in","$Content-Type",["a","b"]]"#, r#"["in", "$Content-Type", ["a", "b"]]"#),
            (r#"["not-in","key",[]]"#, r#"["not-in", "$key", []]"#),
            (r#"["content-length-range",0,10]"#, r#"["content-length-range", 0, 10]"#),
        ] {
            assert_eq!(parse(written).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn each_misshapen_condition_has_its_own_refusal() {
        for (written, kind) in [
            ("[]", Kind::OperatorMissing),
            (r#"["EQ","$key","a"]"#, Kind::OperatorUnknown),
            (r#"["eq","$key"]"#, Kind::ConditionArity),
            (r#"["starts-with","$key","a","b"]"#, Kind::ConditionArity),
            (r#"["in","$key"]"#, Kind::ConditionArity),
            (r#"["not-in","$key",[],[]]"#, Kind::ConditionArity),
            (r#"["content-length-range",1]"#, Kind::ConditionArity),
            ("{}", Kind::ConditionArity),
            (r#"{"a":"1","b":"2"}"#, Kind::ConditionArity),
            (r#"["content-length-range",2,1]"#, Kind::RangeReversed),
            (r#"["content-length-range","1",2]"#, Kind::RangeMinInvalid),
            (r#"["content-length-range",1.0,2]"#, Kind::RangeMinInvalid),
            (r#"["content-length-range",-1,2]"#, Kind::RangeMinInvalid),
            (r#"["content-length-range",1,"2"]"#, Kind::RangeMaxInvalid),
            (r#"["content-length-range",1,1e3]"#, Kind::RangeMaxInvalid),
            ("\"eq\"", Kind::ConditionShape),
            ("7", Kind::ConditionShape),
            (r#"[1,"$key","a"]"#, Kind::ConditionType),
            (r#"["eq","$key",1]"#, Kind::ConditionType),
            (r#"["starts-with",["$key"],"a"]"#, Kind::ConditionType),
            (r#"["in",1,[]]"#, Kind::ConditionType),
            (r#"["not-in","$key",["a",1]]"#, Kind::ConditionType),
            (r#"{"key":1}"#, Kind::ConditionType),
            (r#"["in","$key","a"]"#, Kind::ListMissing),
            (r#"["not-in","$key","a"]"#, Kind::ListMissing),
            (r#"["eq","$","a"]"#, Kind::PolicyInvalid),
        ] {
            assert_eq!(parse(written), Err(kind), "{written}");
        }
    }

    #[test]
    fn an_object_with_two_properties_is_refused_in_the_services_words() {
        let json = json::parse(r#"{"a":"1","b":"2"}"#).unwrap();
        assert_eq!(
            Condition::parse(&json).unwrap_err().message(),
            "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one \
             property specified."
        );
    }

    #[test]
    fn values_are_compared_whole_and_with_case() {
        let holds = |written: &str, value: &str| parse(written).unwrap().holds(value);
        assert!(holds(r#"["eq","$key","a"]"#, "a"));
        assert!(!holds(r#"["eq","$key","a"]"#, "A"));
        assert!(!holds(r#"["eq","$key","a"]"#, "a "));
        assert!(!holds(r#"["eq","$key",""]"#, ""));
        assert!(holds(r#"["starts-with","$key","a/"]"#, "a/b"));
        assert!(!holds(r#"["starts-with","$key","a/"]"#, "a"));
        assert!(holds(r#"["starts-with","$key",""]"#, "anything"));
        assert!(holds(r#"["in","$key",["a","b"]]"#, "b"));
        assert!(!holds(r#"["in","$key",[]]"#, ""));
        assert!(holds(r#"["not-in","$key",["a"]]"#, "b"));
        assert!(!holds(r#"["not-in","$key",["a"]]"#, "a"));
    }

    #[test]
    fn a_dollar_may_be_escaped_once_or_twice() {
        let plain = parse(r#"["eq","$key","a/${filename}"]"#);
        assert_eq!(parse(r#"["eq","$key","a/\${filename}"]"#), plain);
        assert_eq!(parse(r#"["eq","$key","a/\\${filename}"]"#), plain);
    }
}
