//! A JSON Schema (draft 2020-12) of the file, from the table that the file is read by.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::keys;
use crate::config::keys::Form;
use crate::config::keys::Item;
use crate::config::keys::Key;
use crate::config::keys::Kind;

/// The schema of the settings file.
pub fn schema() -> Value {
    let mut rule = section();
    for key in keys::of_rule() {
        place(&mut rule, key.name, property(key));
    }
    let mut root = section();
    for key in keys::all() {
        place(&mut root, key.name, property(key));
    }
    place(
        &mut root,
        "destinations.rule",
        json!({
            "type": "array",
            "description": "the first rule that matches and sets a thing decides it",
            "items": rule,
        }),
    );
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "outgate.toml",
    });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
    }
    schema
}

fn section() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

/// Puts `value` at a dotted path, making the sections on the way.
fn place(parent: &mut Value, path: &str, value: Value) {
    let Some(properties) = parent.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    match path.split_once('.') {
        None => {
            properties.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = properties.entry(head).or_insert_with(section);
            place(inner, rest, value);
        }
    }
}

fn property(key: &Key) -> Value {
    let mut property = Map::new();
    property.insert("description".to_owned(), key.doc.into());
    if let Some(default) = toml_to_json(key.default) {
        property.insert("default".to_owned(), default);
    }
    if let Value::Object(kind) = kind(&key.kind) {
        property.extend(kind);
    }
    Value::Object(property)
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Int { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Size { min, max } => json!({ "anyOf": [
            { "type": "integer", "minimum": min, "maximum": max },
            { "type": "string", "pattern": "^[0-9]+ *([kKmMgG]([iI]?[bB])?|[bB])?$" },
        ]}),
        Kind::Duration { .. } => {
            json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|min|h|d)$" })
        }
        Kind::Text(Form::Any | Form::Path | Form::Address | Form::Url) => {
            json!({ "type": "string" })
        }
        Kind::List(item) => list(*item),
        Kind::WordOrList(words, item) => json!({ "anyOf": [{ "enum": words }, list(*item)] }),
    }
}

fn list(item: Item) -> Value {
    let items = match item {
        Item::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Item::Account => json!({ "type": "string", "pattern": "^[0-9]{12}$" }),
        Item::Operation => json!({ "type": "string", "pattern": "^[^:]+:.+$" }),
        Item::Host | Item::Listener | Item::Network | Item::Path | Item::Redirect | Item::Text => {
            json!({ "type": "string" })
        }
    };
    json!({ "type": "array", "items": items })
}

fn toml_to_json(text: &str) -> Option<Value> {
    let table: Value = toml::from_str(&format!("v = {text}")).ok()?;
    table.get("v").cloned()
}
