//! A validator of JSON Schema that knows the keywords of the SARIF schema and refuses every other.

use regex::Regex;
use serde_json::{Map, Value};

/// What says nothing about values.
const NOTES: &[&str] = &["$schema", "$id", "title", "description", "default", "definitions"];

/// Everything that is wrong with a document, each with its place.
pub(super) fn errors(schema: &Value, document: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    Validator { root: schema, errors: &mut errors }.value(schema, document, "");
    errors
}

struct Validator<'a> {
    root: &'a Value,
    errors: &'a mut Vec<String>,
}

impl Validator<'_> {
    fn wrong(&mut self, at: &str, why: impl std::fmt::Display) {
        self.errors.push(format!("{at}: {why}"));
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut errors = Vec::new();
        Validator { root: self.root, errors: &mut errors }.value(schema, value, "");
        errors.is_empty()
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let empty = Map::new();
        for (keyword, says) in schema.as_object().unwrap_or(&empty) {
            match keyword.as_str() {
                "$ref" => {
                    let pointer = says.as_str().unwrap().strip_prefix('#').expect("a reference within the schema");
                    self.value(self.root.pointer(pointer).expect("a definition"), value, at);
                }
                "type" if !is_of(says, value) => self.wrong(at, format!("{value} is no {says}")),
                "enum" if !says.as_array().unwrap().contains(value) => self.wrong(at, format!("{value} is none of {says}")),
                "anyOf" if !says.as_array().unwrap().iter().any(|one| self.fits(one, value)) => self.wrong(at, "fits nothing"),
                "oneOf" if says.as_array().unwrap().iter().filter(|one| self.fits(one, value)).count() != 1 => {
                    self.wrong(at, "fits none or several");
                }
                "pattern" | "format" => self.text(keyword, says.as_str().unwrap(), value, at),
                "minimum" if value.as_i64().is_some_and(|number| number < says.as_i64().unwrap()) => self.wrong(at, "too small"),
                "maximum" if value.as_i64().is_some_and(|number| number > says.as_i64().unwrap()) => self.wrong(at, "too large"),
                "required" | "properties" | "additionalProperties" => self.object(keyword, (schema, says), value, at),
                "items" | "minItems" | "uniqueItems" => self.array(keyword, says, value, at),
                "type" | "enum" | "anyOf" | "oneOf" | "minimum" | "maximum" => {}
                note if NOTES.contains(&note) => {}
                other => panic!("the validator does not know {other}"),
            }
        }
    }

    fn text(&mut self, keyword: &str, says: &str, value: &Value, at: &str) {
        let Some(text) = value.as_str() else { return };
        let fits = match (keyword, says) {
            ("pattern", pattern) => Regex::new(pattern).unwrap().is_match(text),
            (_, "uri") => Regex::new(r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]*$").unwrap().is_match(text),
            (_, "uri-reference") => Regex::new(r"^(?:[A-Za-z0-9._~/!$&'()*+,;=:@?#-]|%[0-9A-Fa-f]{2})*$").unwrap().is_match(text),
            (_, "date-time") => Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").unwrap().is_match(text),
            (_, other) => panic!("the validator does not know the format {other}"),
        };
        if !fits {
            self.wrong(at, format!("{text:?} is no {says}"));
        }
    }

    fn object(&mut self, keyword: &str, (schema, says): (&Value, &Value), value: &Value, at: &str) {
        let Some(object) = value.as_object() else { return };
        let known = |key: &str| schema["properties"].get(key);
        match keyword {
            "required" => {
                for key in says.as_array().unwrap().iter().filter(|key| !object.contains_key(key.as_str().unwrap())) {
                    self.wrong(at, format!("{key} is missing"));
                }
            }
            "properties" => {
                for (key, value) in object {
                    if let Some(schema) = known(key) {
                        self.value(schema, value, &format!("{at}/{key}"));
                    }
                }
            }
            _ => {
                for (key, value) in object.iter().filter(|(key, _)| known(key).is_none()) {
                    match says {
                        Value::Bool(true) => {}
                        Value::Bool(false) => self.wrong(at, format!("{key} is not known")),
                        schema => self.value(schema, value, &format!("{at}/{key}")),
                    }
                }
            }
        }
    }

    fn array(&mut self, keyword: &str, says: &Value, value: &Value, at: &str) {
        let Some(items) = value.as_array() else { return };
        match keyword {
            "items" => items.iter().enumerate().for_each(|(number, item)| self.value(says, item, &format!("{at}/{number}"))),
            "minItems" if (items.len() as u64) < says.as_u64().unwrap() => self.wrong(at, "too few"),
            "uniqueItems" if says == true && (1..items.len()).any(|number| items[..number].contains(&items[number])) => {
                self.wrong(at, "one twice");
            }
            _ => {}
        }
    }
}

fn is_of(says: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the validator does not know the type {other}"),
    };
    says.as_array().map_or_else(|| is(says.as_str().unwrap()), |all| all.iter().any(|one| is(one.as_str().unwrap())))
}

#[test]
fn the_validator_sees_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "$ref": "#/definitions/n" } },
            "u": { "format": "uri", "enum": ["http://x", "x"] },
            "o": { "oneOf": [{ "type": "string" }, { "pattern": "^x" }] },
        },
        "definitions": { "n": { "type": "integer", "minimum": -1, "maximum": 3 } },
    });
    for (document, wrong) in [
        (serde_json::json!({ "a": [1, -1], "u": "http://x", "o": "y" }), 0),
        (serde_json::json!({ "b": 1 }), 2),
        (serde_json::json!({ "a": [4, -2, "x", 1, 1] }), 4),
        (serde_json::json!({ "a": [] }), 1),
        (serde_json::json!({ "a": [1], "u": "x", "o": "x" }), 2),
        (serde_json::json!([]), 1),
    ] {
        let errors = errors(&schema, &document);
        assert_eq!(errors.len(), wrong, "{document}: {errors:?}");
    }
}
