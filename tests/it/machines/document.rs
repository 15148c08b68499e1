//! `openapi.json`, read as a client's generator would.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The whole document.
pub(crate) struct Document(pub(crate) Value);

/// One call.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) path: String,
    pub(crate) method: String,
    /// Each with its `name`, where it stands (`in`), and its `schema`.
    pub(crate) parameters: Vec<Value>,
    /// The schema of the body.
    pub(crate) body: Option<Value>,
    /// By status, or `default`.
    pub(crate) responses: Vec<(String, Value)>,
}

impl Document {
    pub(crate) fn read() -> Self {
        let text = include_str!("../../../src/http/web/openapi.json");
        Self(serde_json::from_str(text).unwrap())
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let calls = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(|(method, call)| self.operation(path, method, call))
        });
        calls.collect()
    }

    fn operation(&self, path: &str, method: &str, call: &Value) -> Operation {
        let parameters = call["parameters"].as_array().into_iter().flatten();
        let responses = call["responses"].as_object().unwrap().iter();
        Operation {
            path: path.to_owned(),
            method: method.to_uppercase(),
            parameters: parameters.map(|one| self.resolve(one).clone()).collect(),
            body: call.pointer("/requestBody/content/application~1json/schema").cloned(),
            responses: responses
                .map(|(status, one)| (status.clone(), self.resolve(one).clone()))
                .collect(),
        }
    }

    /// Follows a reference to where it leads; anything else is what it is.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(target) => self.0.pointer(target.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    /// What a request has to be. Members that the document does not name are left alone.
    pub(crate) fn asked(&self, schema: &Value) -> Validator {
        validator(schema, &self.0["components"])
    }

    /// What an answer has to be. The document has to name every member, or it keeps something back.
    pub(crate) fn answered(&self, schema: &Value) -> Validator {
        validator(&closed(schema), &closed(&self.0["components"]))
    }
}

fn validator(schema: &Value, components: &Value) -> Validator {
    let mut whole = schema.clone();
    whole["components"] = components.clone();
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
}

/// Forbids members that are not named, wherever some are.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(closed).collect(),
        Value::Object(members) => {
            let mut members: Map<_, _> =
                members.iter().map(|(name, one)| (name.clone(), closed(one))).collect();
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(members)
        }
        other => other.clone(),
    }
}
