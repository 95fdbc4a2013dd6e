//! The list of all settings, read off the configuration's own schema, so that flags, variables and help cannot drift from it.

use super::Config;
use serde_json::Value;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    List,
}

/// A setting.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// As in the file, with dots: `limits.users`.
    pub(crate) path: String,
    /// One sentence.
    pub(crate) help: String,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Its default, for the help text.
    pub(crate) default: Option<String>,
    /// The least and the most that is allowed, where that is not everything.
    pub(crate) range: Option<(u64, u64)>,
}

impl Key {
    /// Without the dashes: `limits-users`.
    pub(crate) fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// `BELLFLOWER_LIMITS_USERS`.
    pub(crate) fn variable(&self) -> String {
        format!("BELLFLOWER_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The value that a flag's or variable's text stands for. Lists are separated by commas. What does not fit stays a text, for the check to
    /// refuse with its own words.
    pub(crate) fn value(&self, text: &str) -> toml::Value {
        let as_text = || toml::Value::String(text.to_owned());
        match self.kind {
            Kind::Text => as_text(),
            Kind::Number => text.parse().map_or_else(|_| as_text(), toml::Value::Integer),
            Kind::Bool => text.parse().map_or_else(|_| as_text(), toml::Value::Boolean),
            Kind::List => toml::Value::Array(
                text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| toml::Value::String(t.to_owned())).collect(),
            ),
        }
    }
}

fn schema() -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::default().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>()
}

/// The tables of the file with one sentence each, by name.
pub(crate) fn sections() -> Vec<(String, String)> {
    let schema = schema();
    let properties = schema.as_value().get("properties").and_then(Value::as_object);
    let tables = properties.into_iter().flatten().filter(|(_, property)| property.get("properties").is_some());
    tables.map(|(name, property)| (name.clone(), description(property))).collect()
}

/// A doc comment.
fn description(property: &Value) -> String {
    property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

/// All settings, by name.
pub(crate) fn keys() -> Vec<Key> {
    let schema = schema();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut all = Vec::new();
    collect(schema.as_value(), &defaults, "", &mut all);
    all
}

fn collect(schema: &Value, defaults: &Value, prefix: &str, all: &mut Vec<Key>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let default = &defaults[name.as_str()];
        if property.get("properties").is_some() {
            collect(property, default, &path, all);
            continue;
        }
        let bound = |name: &str| property.get(name).and_then(Value::as_u64);
        let range = bound("minimum").zip(bound("maximum"));
        let default = match default {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            other => Some(other.to_string()),
        };
        all.push(Key { path, help: description(property), kind: kind(property), default, range });
    }
}

fn kind(property: &Value) -> Kind {
    let is = |wanted: &str| match property.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|n| n == wanted),
        _ => false,
    };
    match () {
        () if is("array") => Kind::List,
        () if is("integer") => Kind::Number,
        () if is("boolean") => Kind::Bool,
        () => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_with_its_kind_and_help() {
        let keys = keys();
        let find = |path: &str| keys.iter().find(|k| k.path == path).unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(find("listen").kind, Kind::Text);
        assert_eq!(find("hold_ms").kind, Kind::Number);
        assert_eq!(find("guests").kind, Kind::Bool);
        assert_eq!(find("egress.allow").kind, Kind::List);
        assert_eq!(find("linger").default.as_deref(), Some("12h"));
        assert_eq!(find("limits.guests_per_address").variable(), "BELLFLOWER_LIMITS_GUESTS_PER_ADDRESS");
        assert_eq!(find("limits.guests_per_address").flag(), "limits-guests-per-address");
        for key in &keys {
            assert!(key.help.len() > 10, "{} has no help", key.path);
        }
    }
}
