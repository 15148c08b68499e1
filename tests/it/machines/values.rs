//! Values as a schema wants them, and values with one place spoilt.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use proptest::string::string_regex;
use proptest::{collection, option};
use serde_json::{Map, Value, json};

use crate::machines::document::Document;

/// Makes values that a schema takes: its examples, and others.
pub(super) fn good(document: &Document, schema: &Value) -> BoxedStrategy<Value> {
    let schema = document.resolve(schema);
    let any = by_type(document, schema);
    match schema["examples"].as_array() {
        Some(examples) => prop_oneof![3 => select(examples.clone()), 1 => any].boxed(),
        None => any,
    }
}

fn by_type(document: &Document, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(values) = schema["enum"].as_array() {
        return select(values.clone()).boxed();
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return Union::new(choices.iter().map(|one| good(document, one))).boxed();
    }
    if let Some(types) = schema["type"].as_array() {
        let of_type = |one: &Value| {
            let mut schema = schema.clone();
            schema["type"] = one.clone();
            by_type(document, &schema)
        };
        return Union::new(types.iter().map(of_type)).boxed();
    }
    match schema["type"].as_str() {
        Some("null") => Just(Value::Null).boxed(),
        Some("string") => string(schema),
        Some("integer") => integer(schema),
        Some("array") => {
            let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
            let items = good(document, &schema["items"]);
            collection::vec(items, least..least + 3).prop_map(Value::Array).boxed()
        }
        other => {
            assert_eq!(other, Some("object"), "no values are made for {schema}");
            object(document, schema)
        }
    }
}

fn string(schema: &Value) -> BoxedStrategy<Value> {
    let pattern = schema["pattern"].as_str().unwrap_or("^\\PC{0,20}$");
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0)).unwrap();
    let most = usize::try_from(schema["maxLength"].as_u64().unwrap_or(1000)).unwrap();
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).unwrap();
    let fits = move |text: &String| (least..=most).contains(&text.chars().count());
    string_regex(inner).unwrap().prop_filter("its length", fits).prop_map(Value::from).boxed()
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
    let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    prop_oneof![least..=most, Just(least), Just(most)].prop_map(Value::from).boxed()
}

fn object(document: &Document, schema: &Value) -> BoxedStrategy<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut whole = Just(Map::new()).boxed();
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.contains(&json!(name));
        let name = name.clone();
        whole = (whole, given(is_required, good(document, one)))
            .prop_map(move |(mut whole, value)| {
                whole.extend(value.map(|value| (name.clone(), value)));
                whole
            })
            .boxed();
    }
    if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
        let others = collection::btree_map("[a-z-]{1,8}", good(document, others), 0..3);
        whole = (whole, others)
            .prop_map(|(mut whole, others)| {
                whole.extend(others);
                whole
            })
            .boxed();
    }
    whole.prop_map(Value::Object).boxed()
}

/// Leaves out, at times, what is not required.
pub(super) fn given<T: Clone + Debug + 'static>(
    is_required: bool,
    value: BoxedStrategy<T>,
) -> BoxedStrategy<Option<T>> {
    if is_required { value.prop_map(Some).boxed() } else { option::weighted(0.6, value).boxed() }
}

/// Makes any JSON.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-9i64..9).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            collection::btree_map("[a-z]{1,4}", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Puts something else into one place of what a schema takes, or the whole.
pub(super) fn spoilt(document: &Document, schema: &Value) -> BoxedStrategy<Value> {
    let parts = (good(document, schema), any::<Index>(), junk());
    let spoil = parts.prop_map(|(mut value, place, junk)| {
        let mut places = vec![String::new()];
        pointers(&value, "", &mut places);
        *value.pointer_mut(place.get::<String>(&places)).unwrap() = junk;
        value
    });
    spoil.boxed()
}

fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(i, one)| (i.to_string(), one)).collect()
        }
        Value::Object(members) => members.iter().map(|(name, one)| (name.clone(), one)).collect(),
        _ => Vec::new(),
    };
    for (name, one) in members {
        let place = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
        pointers(one, &place, found);
        found.push(place);
    }
}
