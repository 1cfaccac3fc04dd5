//! The fields of one record that say where it comes from, in any container: JSON (also inside strings
//! of JSON), logfmt, syslog, CRI and compose prefixes, plain lines.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::span::Span;

/// What a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// The environment.
    Environment,
    /// A word that is the environment if it is the word for one.
    MaybeEnvironment,
    /// A tag or a label that is the environment.
    Tag,
    /// The channel of a logger that is named after the environment.
    Channel,
    /// A namespace of Kubernetes.
    Namespace,
    /// A log group, a stream, a project.
    Group,
    /// A host.
    Host,
    /// A service or an application.
    Service,
    /// The id of a request.
    Request,
    /// The id of a trace.
    Trace,
    /// When it was written.
    Time,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it means.
    pub meaning: Meaning,
    /// Its name, as it stands there.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// Names and what they mean; compared without case and separators.
const NAMES: &[(Meaning, &[&str])] = &[
    (
        Meaning::Environment,
        &[
            "env",
            "environment",
            "env_name",
            "environment_name",
            "app_env",
            "appenv",
            "node_env",
            "rails_env",
            "deploy_env",
            "deployment_env",
            "deployment.environment",
            "deployment.environment.name",
            "deployment_environment",
            "service.environment",
            "dd.env",
            "dd_env",
            "sentry.environment",
            "aspnetcore_environment",
            "spring_profile",
        ],
    ),
    (Meaning::MaybeEnvironment, &["stage", "profile", "tier", "realm"]),
    (
        Meaning::Namespace,
        &[
            "kubernetes.namespace_name",
            "kubernetes.namespace",
            "k8s.namespace.name",
            "namespace_name",
            "resource.labels.namespace_name",
            "service.namespace",
            "namespace",
        ],
    ),
    (Meaning::Host, &["host", "hostname", "host.name", "server_name", "source_host", "fqdn", "beat.hostname", "agent.hostname"]),
    (
        Meaning::Group,
        &[
            "logGroup",
            "log_group",
            "aws.log_group",
            "logStream",
            "log_stream",
            "resourceGroup",
            "resourceId",
            "project_id",
            "logName",
            "functionName",
        ],
    ),
    (
        Meaning::Service,
        &["service", "service.name", "app", "app_name", "application", "logger.name", "container_name", "container.name"],
    ),
    (
        Meaning::Request,
        &["request_id", "requestId", "x-request-id", "req_id", "reqid", "correlation_id", "x-correlation-id", "rid"],
    ),
    (Meaning::Trace, &["trace_id", "traceId", "trace.id", "dd.trace_id", "traceparent"]),
    (Meaning::Time, &["time", "timestamp", "@timestamp", "ts", "datetime"]),
];

/// The longest of them, as it is compared.
const LONGEST: usize = 32;

/// Names of one length, as they are compared.
type Names = Vec<(Vec<u8>, Meaning)>;

/// All of them, by their length.
static KNOWN: LazyLock<[Names; LONGEST + 1]> = LazyLock::new(|| {
    let mut known = [const { Vec::new() }; LONGEST + 1];
    for (meaning, names) in NAMES {
        for name in *names {
            let name: Vec<u8> = letters(name).collect();
            known[name.len()].push((name, *meaning));
        }
    }
    known
});

/// Objects that only hold fields of the record.
const WRAPPERS: &[&str] = &[
    "context",
    "ctx",
    "extra",
    "record",
    "fields",
    "tags",
    "labels",
    "attributes",
    "resource",
    "resourceattributes",
    "mdc",
    "contextmap",
    "properties",
    "metadata",
    "kubernetes",
    "host",
    "service",
    "dd",
    "ecs",
    "log",
    "source",
    "jsonpayload",
    "deployment",
    "environment",
    "logger",
    "sentry",
    "k8s",
    "aws",
    "app",
    "trace",
    "agent",
    "beat",
    "container",
    "namespace",
];
/// Objects that belong to somebody's business, whatever their fields are called.
const BUSINESS: &[&str] =
    &["payload", "body", "request", "response", "data", "params", "headers", "event", "evt", "receipt", "message"];

/// How deep objects stand in each other, and JSON in strings of JSON.
const DEPTH: usize = 40;
const NESTED: usize = 3;
/// The most parts of one record.
const PARTS: usize = 4000;
/// The longest value that is kept.
const VALUE: usize = 200;

/// What is compared of a name.
fn letters(name: &str) -> impl Iterator<Item = u8> + Clone + '_ {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

/// Whether a name is one of these.
fn is_one_of(name: &str, all: &[&str]) -> bool {
    !name.is_empty() && all.iter().any(|other| letters(name).eq(other.bytes()))
}

/// Text as it stands there, wherever it is text.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The same, kept for longer than its bytes.
fn kept<'t>(bytes: &[u8]) -> Cow<'t, str> {
    Cow::Owned(text(bytes).into_owned())
}

/// The fields of the record in `span` that concern what stands at `at`. `more` are further names of
/// the environment.
pub fn fields(bytes: &[u8], span: Span, at: usize, more: &[String]) -> Vec<Field> {
    let record = &bytes[span.range()];
    let mut found = Vec::new();
    let json = object_in(record);
    let plain = &record[..json.unwrap_or(record.len())];
    super::plain::prefixes(plain, span.start, &mut found);
    super::plain::pairs(plain, span.start, more, &mut found);
    if let Some(open) = json {
        let mut tree = Tree::default();
        tree.read((&record[open..], text), span.start + open, None, 0);
        tree.fields(at, more, &mut found);
        let end = tree.end.max(open + 1);
        // What follows the object on its line: `{…} env=prod`.
        if let Some(rest) = record.get(end.saturating_sub(span.start)..).filter(|_| end > span.start) {
            super::plain::pairs(rest, end, more, &mut found);
        }
    }
    found
}

/// Whether a record holds no object: then its fields concern all of it alike.
pub fn is_plain(record: &[u8]) -> bool {
    object_in(record).is_none()
}

fn object_in(record: &[u8]) -> Option<usize> {
    memchr::memchr(b'{', record).filter(|&open| is_object(&record[open..]))
}

fn is_object(text: &[u8]) -> bool {
    let inner = text[1..].trim_ascii_start();
    inner.starts_with(b"\"") || inner.starts_with(b"}") || inner.starts_with(b"\\\"")
}

/// What a name means.
pub(super) fn meaning_of(name: &str, more: &[String]) -> Option<Meaning> {
    meaning(&[name].into_iter(), more)
}

/// What the name means that has these parts.
fn meaning<'n>(parts: &(impl Iterator<Item = &'n str> + Clone), more: &[String]) -> Option<Meaning> {
    let name = || parts.clone().flat_map(letters);
    if more.iter().any(|other| letters(other).eq(name())) {
        return Some(Meaning::Environment);
    }
    let (mut normal, mut length) = ([0; LONGEST], 0);
    for letter in name() {
        *normal.get_mut(length)? = letter;
        length += 1;
    }
    KNOWN[length].iter().find(|(known, _)| **known == normal[..length]).map(|(_, meaning)| *meaning)
}

/// How text that is read becomes a name or a value.
type Keep<'x, 't> = fn(&'x [u8]) -> Cow<'t, str>;

/// An object or a list.
#[derive(Debug)]
struct Container<'t> {
    parent: Option<usize>,
    key: Cow<'t, str>,
    list: bool,
    /// Whether it was read from a string.
    nested: bool,
    /// Whether it only holds fields of the record.
    wraps: bool,
    /// Whether it belongs to somebody's business.
    business: bool,
    start: usize,
    end: usize,
}

#[derive(Debug)]
struct Scalar<'t> {
    container: usize,
    key: Cow<'t, str>,
    value: Cow<'t, str>,
    span: Span,
}

/// JSON as objects, lists and scalars; what is cut or broken ends with the record.
#[derive(Debug, Default)]
struct Tree<'t> {
    containers: Vec<Container<'t>>,
    scalars: Vec<Scalar<'t>>,
    end: usize,
}

impl<'t> Tree<'t> {
    /// Offsets inside a decoded string are not those of the bytes: its outermost object is all of the
    /// string, the others hold nothing that is looked for.
    fn open(&mut self, stack: &mut Vec<usize>, begins: Container<'t>, within: Option<(usize, Span, &Cow<'t, str>)>) {
        let container = match (within, stack.last()) {
            (None, parent) => Container { parent: parent.copied(), ..begins },
            (Some((parent, span, key)), None) => {
                Container { parent: Some(parent), key: key.clone(), nested: true, start: span.start, end: span.end, ..begins }
            }
            (Some(_), Some(&parent)) => Container { parent: Some(parent), end: begins.start, ..begins },
        };
        let wraps = is_one_of(&container.key, WRAPPERS);
        let business = !container.nested && !container.list && is_one_of(&container.key, BUSINESS);
        self.containers.push(Container { wraps, business, ..container });
        stack.push(self.containers.len() - 1);
    }

    /// Reads JSON that stands at `offset`, or, decoded, in the string of `within`.
    fn read<'x>(
        &mut self,
        (text, keep): (&'x [u8], Keep<'x, 't>),
        offset: usize,
        within: Option<(usize, Span, &Cow<'t, str>)>,
        nested: usize,
    ) {
        let raw = |at: usize| within.map_or(offset + at, |(_, span, _)| (span.start + at).min(span.end));
        let mut stack: Vec<usize> = Vec::new();
        let (mut key, mut at) = (Cow::Borrowed(""), 0);
        while at < text.len() && self.containers.len() + self.scalars.len() < PARTS {
            match text[at] {
                byte @ (b'{' | b'[') => {
                    if stack.len() >= DEPTH {
                        return;
                    }
                    let key = if stack.is_empty() { Cow::Borrowed("") } else { std::mem::take(&mut key) };
                    let (start, end) = (raw(at), offset + text.len());
                    let (list, nested, wraps, business) = (byte == b'[', false, false, false);
                    let begins = Container { parent: None, key, list, nested, wraps, business, start, end };
                    self.open(&mut stack, begins, within);
                    at += 1;
                }
                b'}' | b']' => {
                    let Some(closed) = stack.pop() else { break };
                    if within.is_none() {
                        self.containers[closed].end = raw(at + 1);
                    }
                    at += 1;
                    if stack.is_empty() {
                        break;
                    }
                }
                b'"' => {
                    let end = string_end(text, at);
                    let content = &text[at + 1..end.saturating_sub(1).max(at + 1)];
                    let behind = text[end.min(text.len())..].trim_ascii_start();
                    let in_object = stack.last().is_some_and(|&top| !self.containers[top].list);
                    if in_object && behind.starts_with(b":") && key.is_empty() {
                        key = keep(content);
                    } else if let Some(&container) = stack.last() {
                        let span = Span::new(raw(at), raw(end));
                        let name = std::mem::take(&mut key);
                        self.string((container, name), (content, keep), span, nested);
                    }
                    at = end;
                }
                b',' => {
                    key = Cow::Borrowed("");
                    at += 1;
                }
                byte if byte.is_ascii_alphanumeric() || byte == b'-' => {
                    let length =
                        text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(byte)).count();
                    if let Some(&container) = stack.last() {
                        let value = keep(&text[at..at + length]);
                        let span = Span::new(raw(at), raw(at + length));
                        self.scalars.push(Scalar { container, key: std::mem::take(&mut key), value, span });
                    }
                    at += length;
                }
                _ => at += 1,
            }
        }
        if within.is_none() {
            self.end = offset + at;
        }
    }

    /// A string: a value, or JSON in a string.
    fn string<'x>(
        &mut self,
        (container, key): (usize, Cow<'t, str>),
        (content, keep): (&'x [u8], Keep<'x, 't>),
        span: Span,
        nested: usize,
    ) {
        let begins = content.trim_ascii_start();
        if nested < NESTED && (begins.starts_with(b"{\\\"") || begins.starts_with(b"{\\n") || begins.starts_with(b"{ \\\"")) {
            let inner = unescaped(content);
            self.read((&inner, kept), 0, Some((container, span, &key)), nested + 1);
            return;
        }
        let value = keep(&content[..content.len().min(VALUE)]);
        self.scalars.push(Scalar { container, key, value, span });
    }

    /// The fields that concern `at`: those of objects that hold it, also through wrappers.
    fn fields(&self, at: usize, more: &[String], found: &mut Vec<Field>) {
        for (number, scalar) in self.scalars.iter().enumerate() {
            let (mut name, mut value, mut container) = (&*scalar.key, &*scalar.value, scalar.container);
            // `{"key": "env", "value": {"stringValue": "prod"}}`
            if matches!(name, "key" | "name" | "Name" | "Key")
                && let Some(said) = self.pair(number)
            {
                (name, value) = (value, said);
                container = self.containers[container].parent.unwrap_or(container);
            }
            self.field((name, value, scalar.span), container, (at, more), found);
        }
    }

    /// The value beside a key in a list of keys and values.
    fn pair(&self, key: usize) -> Option<&str> {
        let of = self.scalars[key].container;
        let near = self.scalars[key + 1..].iter().take(4);
        let mut said = near.filter(|scalar| {
            let inside = scalar.container == of && scalar.key.eq_ignore_ascii_case("value");
            inside
                || self.containers[scalar.container].parent == Some(of) && matches!(&*scalar.key, "stringValue" | "string_value")
        });
        said.next().map(|scalar| &*scalar.value)
    }

    fn field(
        &self,
        (name, value, span): (&str, &str, Span),
        container: usize,
        (at, more): (usize, &[String]),
        found: &mut Vec<Field>,
    ) {
        let mut path: Vec<&str> = Vec::new();
        let mut next = Some(container);
        let (mut holds, mut strange) = (false, false);
        while let Some(here) = next {
            let container = &self.containers[here];
            holds |= container.start <= at && at < container.end;
            if container.business {
                return;
            }
            // An object that neither holds the place nor is a wrapper is about something else.
            strange |= !holds && !container.wraps;
            if !container.key.is_empty() && !holds {
                path.push(&container.key);
            }
            next = container.parent;
        }
        if strange {
            return;
        }
        path.reverse();
        let tagged =
            matches!(path.last().copied().or_else(|| self.list_key(container)), Some("tags" | "ddtags")) && name.is_empty();
        if tagged || is_one_of(name, &["ddtags", "tags"]) {
            for tag in value.split([',', ' ']) {
                if let Some((key, said)) = tag.split_once([':', '=']).filter(|(key, _)| matches!(*key, "env" | "environment")) {
                    found.push(Field { meaning: Meaning::Tag, name: format!("tag {key}"), value: said.to_owned(), span });
                }
            }
            return;
        }
        let labelled = path.last().is_some_and(|last| *last == "labels");
        let whole = path.iter().copied().chain([name]);
        let known = meaning(&whole, more).or_else(|| {
            path.last().and_then(|last| meaning(&[*last, name].into_iter(), more).or_else(|| meaning_of(name, more)))
        });
        if let Some(meaning) = known {
            let meaning = if labelled && meaning == Meaning::Environment { Meaning::Tag } else { meaning };
            let name = whole.collect::<Vec<_>>().join(".");
            found.push(Field { meaning, name, value: value.to_owned(), span });
        }
    }

    fn list_key(&self, container: usize) -> Option<&str> {
        Some(&*self.containers[container].key).filter(|_| self.containers[container].list)
    }
}

/// The end of the string that opens at `at`, behind its quote; that of the text where it is cut.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(next) = text.get(end..).and_then(|rest| memchr::memchr2(b'\\', b'"', rest)) {
        if text[end + next] == b'"' {
            return end + next + 1;
        }
        end += next + 2;
    }
    text.len()
}

/// One level of escapes undone.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'\\' => match bytes.next() {
                Some(b'n' | b'r' | b't') | None => b' ',
                Some(other) => other,
            },
            other => other,
        };
        out.push(decoded);
    }
    out
}
