//! One condition of a policy: parsing, evaluation and display.
//!
//! Sources: the PostObject page, appendix on policies; error code pages 0006-00000216 to
//! 0006-00000224. `policy` chooses the values of the form that a condition is evaluated with.

use std::fmt;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::policy::json::PolicyJson;

/// A condition, with the field's name as the policy spells it, without the `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyCondition {
    /// The field equals this value.
    Equal(String, String),
    /// The field starts with this prefix.
    StartsWith(String, String),
    /// The field has one of these values.
    In(String, Vec<String>),
    /// The field has none of these values.
    NotIn(String, Vec<String>),
    /// The size of the file is in this range, both ends included.
    SizeRange(u64, u64),
}

impl PolicyCondition {
    pub(super) fn parse(json: &PolicyJson) -> Result<Self, OssError> {
        match json {
            PolicyJson::Object(items) => Self::from_object(items),
            PolicyJson::List(items) => Self::from_list(items),
            _ => Err(OssErrorKind::ConditionShape
                .because("a condition of the policy is neither an object nor an array")),
        }
    }

    fn from_object(items: &[(String, PolicyJson)]) -> Result<Self, OssError> {
        match items {
            [(field, PolicyJson::Text(value))] => Ok(Self::Equal(name(field)?, dollars(value))),
            [(field, _)] => Err(wrong_type(format!(
                "the condition on {field:?} compares with something that is not a string"
            ))),
            _ => Err(OssErrorKind::ConditionArity
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

    fn from_list(items: &[PolicyJson]) -> Result<Self, OssError> {
        let (operator, operands) = match items.split_first() {
            None => {
                return Err(OssErrorKind::OperatorMissing
                    .because("a condition of the policy is an empty array"));
            }
            Some((PolicyJson::Text(operator), operands)) => (operator.as_str(), operands),
            Some(_) => {
                return Err(wrong_type("a condition's operator is not a string"));
            }
        };
        if !matches!(operator, "eq" | "starts-with" | "in" | "not-in" | "content-length-range") {
            return Err(OssErrorKind::OperatorUnknown.because(format!(
                "the operator {operator:?} does not exist; there are eq, starts-with, in, not-in \
                 and content-length-range"
            )));
        }
        let [first, second] = operands else {
            return Err(OssErrorKind::ConditionArity.because(format!(
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

    fn comparison(
        operator: &str,
        field: &PolicyJson,
        value: &PolicyJson,
    ) -> Result<Self, OssError> {
        let (PolicyJson::Text(field), PolicyJson::Text(value)) = (field, value) else {
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

    fn membership(
        operator: &str,
        field: &PolicyJson,
        values: &PolicyJson,
    ) -> Result<Self, OssError> {
        let PolicyJson::Text(field) = field else {
            return Err(wrong_type(format!(
                "the field of a condition with {operator} is not a string"
            )));
        };
        let PolicyJson::List(values) = values else {
            return Err(OssErrorKind::ListMissing.because(format!(
                "the values of the condition {operator} on {field:?} are not a list"
            )));
        };
        let values: Option<Vec<String>> = values
            .iter()
            .map(|value| match value {
                PolicyJson::Text(value) => Some(dollars(value)),
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

    fn size_range(min: &PolicyJson, max: &PolicyJson) -> Result<Self, OssError> {
        let min = integer(min).ok_or_else(|| {
            OssErrorKind::RangeMinInvalid.because(
                "the minimum of content-length-range is not a whole number; quotes are not allowed",
            )
        })?;
        let max = integer(max).ok_or_else(|| {
            OssErrorKind::RangeMaxInvalid.because(
                "the maximum of content-length-range is not a whole number; quotes are not allowed",
            )
        })?;
        if max < min {
            return Err(OssErrorKind::RangeReversed.because(format!(
                "content-length-range ends at {max}, before its start at {min}"
            )));
        }
        Ok(Self::SizeRange(min, max))
    }

    /// Returns the field of the condition; `None` for the file's size.
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

    /// Returns whether a value meets the condition.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        match self {
            // The real service was observed to reject a comparison with the empty string: an upload
            // plugin that sent an empty token got an error with this condition in its message.
            Self::Equal(_, wanted) => !wanted.is_empty() && value == wanted,
            Self::StartsWith(_, prefix) => value.starts_with(prefix),
            Self::In(_, values) => values.iter().any(|one| one == value),
            Self::NotIn(_, values) => values.iter().all(|one| one != value),
            Self::SizeRange(..) => true,
        }
    }
}

impl fmt::Display for PolicyCondition {
    /// Formats the condition as OSS quotes it: always as an array, with `$` and `", "`.
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

fn wrong_type(reason: impl Into<String>) -> OssError {
    OssErrorKind::ConditionType.because(reason)
}

/// Removes the `$` of a field's name. Array form has one and object form does not; both are
/// accepted.
fn name(field: &str) -> Result<String, OssError> {
    let name = field.strip_prefix('$').unwrap_or(field);
    if name.is_empty() {
        return Err(OssErrorKind::PolicyInvalid.because("a condition of the policy names no field"));
    }
    Ok(name.to_owned())
}

/// Replaces `\$` by `$`: some SDKs escape twice, and their tests show that the service accepts
/// both.
fn dollars(value: &str) -> String {
    value.replace("\\$", "$")
}

fn integer(json: &PolicyJson) -> Option<u64> {
    match json {
        PolicyJson::Number(number) => number.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::policy::json;

    fn parse(text: &str) -> Result<PolicyCondition, OssErrorKind> {
        let json = json::parse(text).unwrap();
        PolicyCondition::parse(&json).map_err(|error| error.kind())
    }

    #[test]
    fn each_operator_is_parsed_and_formatted_as_oss_does() {
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
    fn each_malformed_condition_has_its_own_error() {
        for (written, kind) in [
            ("[]", OssErrorKind::OperatorMissing),
            (r#"["EQ","$key","a"]"#, OssErrorKind::OperatorUnknown),
            (r#"["eq","$key"]"#, OssErrorKind::ConditionArity),
            (r#"["starts-with","$key","a","b"]"#, OssErrorKind::ConditionArity),
            (r#"["in","$key"]"#, OssErrorKind::ConditionArity),
            (r#"["not-in","$key",[],[]]"#, OssErrorKind::ConditionArity),
            (r#"["content-length-range",1]"#, OssErrorKind::ConditionArity),
            ("{}", OssErrorKind::ConditionArity),
            (r#"{"a":"1","b":"2"}"#, OssErrorKind::ConditionArity),
            (r#"["content-length-range",2,1]"#, OssErrorKind::RangeReversed),
            (r#"["content-length-range","1",2]"#, OssErrorKind::RangeMinInvalid),
            (r#"["content-length-range",1.0,2]"#, OssErrorKind::RangeMinInvalid),
            (r#"["content-length-range",-1,2]"#, OssErrorKind::RangeMinInvalid),
            (r#"["content-length-range",1,"2"]"#, OssErrorKind::RangeMaxInvalid),
            (r#"["content-length-range",1,1e3]"#, OssErrorKind::RangeMaxInvalid),
            ("\"eq\"", OssErrorKind::ConditionShape),
            ("7", OssErrorKind::ConditionShape),
            (r#"[1,"$key","a"]"#, OssErrorKind::ConditionType),
            (r#"["eq","$key",1]"#, OssErrorKind::ConditionType),
            (r#"["starts-with",["$key"],"a"]"#, OssErrorKind::ConditionType),
            (r#"["in",1,[]]"#, OssErrorKind::ConditionType),
            (r#"["not-in","$key",["a",1]]"#, OssErrorKind::ConditionType),
            (r#"{"key":1}"#, OssErrorKind::ConditionType),
            (r#"["in","$key","a"]"#, OssErrorKind::ListMissing),
            (r#"["not-in","$key","a"]"#, OssErrorKind::ListMissing),
            (r#"["eq","$","a"]"#, OssErrorKind::PolicyInvalid),
        ] {
            assert_eq!(parse(written), Err(kind), "{written}");
        }
    }

    #[test]
    fn an_object_with_two_properties_is_refused_with_the_services_message() {
        let json = json::parse(r#"{"a":"1","b":"2"}"#).unwrap();
        assert_eq!(
            PolicyCondition::parse(&json).unwrap_err().message(),
            "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one \
             property specified."
        );
    }

    #[test]
    fn values_are_compared_completely_and_case_sensitively() {
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
