//! Reads the declarations of a TypeScript package, as far as generated ones go, and holds JSON against them.

use std::collections::BTreeMap;

use serde_json::Value;

/// A type expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Name(String),
    Literal(Value),
    Array(Box<Type>),
    Union(Vec<Type>),
    Object(Vec<Field>),
    Generic(String, Vec<Type>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub required: bool,
    pub kind: Type,
}

/// Everything that a package declares, by name.
#[derive(Debug, Default)]
pub struct Declarations(pub BTreeMap<String, Type>);

impl Declarations {
    pub fn read(&mut self, source: &str) {
        let mut tokens = Tokens {
            tokens: tokens(source),
            at: 0,
        };
        while let Some(token) = tokens.next() {
            match token.as_str() {
                // Generic ones are helpers of the package, not of the Bot API.
                "interface" if tokens.peek_at(1) == Some("{") => {
                    let name = tokens.word();
                    let fields = tokens.object();
                    self.0.insert(name, fields);
                }
                "type" if tokens.peek_at(1) == Some("=") => {
                    let name = tokens.word();
                    tokens.expect("=");
                    let kind = tokens.union();
                    self.0.insert(name, kind);
                }
                _ => {}
            }
        }
    }

    pub fn fields(&self, name: &str) -> &[Field] {
        match self.0.get(name) {
            Some(Type::Object(fields)) => fields,
            other => panic!("{name} is not an interface: {other:?}"),
        }
    }

    /// Why a value is not of a type, if it is not.
    pub fn misfit(&self, value: &Value, kind: &Type, path: &str) -> Option<String> {
        let wrong = |what: &str| Some(format!("{path}: {value} is not {what}"));
        match kind {
            Type::Literal(literal) => {
                (value != literal).then(|| wrong(&literal.to_string()).unwrap_or_default())
            }
            Type::Array(item) => match value.as_array() {
                Some(items) => {
                    let mut items = items.iter().enumerate();
                    items.find_map(|(i, v)| self.misfit(v, item, &format!("{path}[{i}]")))
                }
                None => wrong("an array"),
            },
            Type::Union(variants) => {
                let misfits: Vec<String> = variants
                    .iter()
                    .map_while(|variant| self.misfit(value, variant, path))
                    .collect();
                (misfits.len() == variants.len()).then(|| misfits.join("; or "))
            }
            Type::Object(fields) => self.misfit_object(value, fields, path),
            Type::Generic(..) => wrong("checkable"),
            Type::Name(name) => match name.as_str() {
                "number" if value.is_number() => None,
                "string" if value.is_string() => None,
                "boolean" if value.is_boolean() => None,
                "true" if value == &Value::Bool(true) => None,
                "number" | "string" | "boolean" | "true" => wrong(name),
                _ => match self.0.get(name) {
                    Some(declared) => self.misfit(value, declared, path),
                    None => wrong(&format!("of the unknown type {name}")),
                },
            },
        }
    }

    fn misfit_object(&self, value: &Value, fields: &[Field], path: &str) -> Option<String> {
        let Some(object) = value.as_object() else {
            return Some(format!("{path}: {value} is no object"));
        };
        if let Some(extra) = object.keys().find(|key| fields.iter().all(|f| f.name != **key)) {
            return Some(format!("{path} has a field {extra} that is not documented"));
        }
        fields.iter().find_map(|field| match object.get(&field.name) {
            Some(inner) => self.misfit(inner, &field.kind, &format!("{path}.{}", field.name)),
            None if field.required => Some(format!("{path} lacks {}", field.name)),
            None => None,
        })
    }
}

struct Tokens {
    tokens: Vec<String>,
    at: usize,
}

impl Tokens {
    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn peek_at(&self, ahead: usize) -> Option<&str> {
        self.tokens.get(self.at + ahead).map(String::as_str)
    }

    fn take(&mut self, token: &str) -> bool {
        let there = self.peek_at(0) == Some(token);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, token: &str) {
        assert!(self.take(token), "{token} expected, found {:?}", self.peek_at(0));
    }

    fn word(&mut self) -> String {
        self.next().expect("a word")
    }

    fn object(&mut self) -> Type {
        self.expect("{");
        let mut fields = Vec::new();
        while !self.take("}") {
            let name = self.word().trim_matches('"').to_owned();
            let required = !self.take("?");
            if self.take("(") {
                while !self.take(")") {
                    self.at += 1;
                }
            }
            self.expect(":");
            let kind = self.union();
            self.take(";");
            self.take(",");
            fields.push(Field { name, required, kind });
        }
        Type::Object(fields)
    }

    fn union(&mut self) -> Type {
        self.take("|");
        let mut variants = vec![self.postfix()];
        while self.take("|") {
            variants.push(self.postfix());
        }
        if variants.len() == 1 {
            variants.remove(0)
        } else {
            Type::Union(variants)
        }
    }

    fn postfix(&mut self) -> Type {
        let mut kind = self.primary();
        while self.peek_at(0) == Some("[") && self.peek_at(1) == Some("]") {
            self.at += 2;
            kind = Type::Array(Box::new(kind));
        }
        kind
    }

    fn primary(&mut self) -> Type {
        if self.peek_at(0) == Some("{") {
            return self.object();
        }
        if self.take("(") {
            let inner = self.union();
            self.expect(")");
            return inner;
        }
        let mut word = self.word();
        if word == "keyof" {
            // The name of a field: a string is all that is checked.
            self.word();
            word = "string".to_owned();
        }
        if word.starts_with('"') || word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Type::Literal(serde_json::from_str(&word).unwrap_or_else(|_| panic!("literal {word}")));
        }
        let name = word.rsplit('.').next().unwrap_or_default().to_owned();
        if !self.take("<") {
            return Type::Name(name);
        }
        let mut inner = vec![self.union()];
        while self.take(",") {
            if self.peek_at(0) != Some(">") {
                inner.push(self.union());
            }
        }
        self.expect(">");
        match name.as_str() {
            "Exclude" => inner.remove(0),
            _ => Type::Generic(name, inner),
        }
    }
}

fn tokens(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |e| e + 2);
            rest = rest[end..].trim_start();
            continue;
        } else if first == '"' {
            rest[1..].find('"').expect("a closed string") + 2
        } else if first.is_alphanumeric() || first == '_' || first == '-' {
            let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$');
            rest.find(|c| !part(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        found.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    found
}
