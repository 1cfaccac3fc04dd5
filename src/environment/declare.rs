//! Assignments that say where code runs (`APP_ENV=production`), how it was built (`NODE_ENV`), or in
//! which mode a provider is used (`PAYPAL_MODE=live`).

use super::entry::Entry;
use super::lexicon::{self, NameTraits};
use super::resolve::Clue;
use super::words::{Counts, Words};
use crate::credential::Environment;
use crate::finding::Stage;
use crate::rule::name::{NameWords, is_one_of};

/// Variables that say where code runs.
const DEPLOYMENT: &[&str] = &[
    "appenv",
    "deployenv",
    "environment",
    "env",
    "stage",
    "tier",
    "sentryenvironment",
    "ddenv",
    "railwayenvironment",
    "railwayenvironmentname",
    "vercelenv",
    "deployenvironment",
    "deploymentenvironment",
    "environmentname",
    "envname",
    "appenvironment",
    "deploymentenv",
    "nextpublicappenv",
    "nextpublicvercelenv",
    "viteappenv",
    "reactappenv",
    "targetenv",
    "appstage",
    "newrelicenvironment",
    "rollbarenvironment",
    "bugsnagreleasestage",
    "wpenvironmenttype",
    "wpenv",
    "workspace",
];
/// Variables that say how code was built or started.
const RUNTIME: &[&str] = &[
    "nodeenv",
    "railsenv",
    "rackenv",
    "flaskenv",
    "mixenv",
    "aspnetcoreenvironment",
    "dotnetenvironment",
    "springprofilesactive",
    "springprofileactive",
    "djangosettingsmodule",
    "ginmode",
    "babelenv",
    "gatsbyenv",
    "nuxtenv",
    "jekyllenv",
    "hugoenvironment",
    "merbenv",
    "djangoenv",
    "djangoconfiguration",
];

/// The weight of a production value that only says how code was built.
const BUILT: u8 = 45;

/// What a value is called that is no value.
fn is_reference(value: &[u8]) -> bool {
    value.is_empty()
        || value.starts_with(b"$")
        || value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || memchr::memmem::find(value, b"env.").is_some()
}

/// An assignment, and the words of its name.
#[derive(Debug)]
pub(super) struct Told<'e, 'a> {
    pub(super) entry: &'e Entry<'a>,
    pub(super) words: NameWords,
}

impl<'e, 'a> Told<'e, 'a> {
    /// Reads the name of an assignment.
    pub(super) fn new(entry: &'e Entry<'a>) -> Self {
        Self { entry, words: NameWords::of(entry.name) }
    }
}

/// What an assignment may declare, as far as its name tells: most declare nothing, whatever the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Declares {
    /// Where code runs.
    pub(super) deployment: bool,
    /// How code was built.
    pub(super) runtime: bool,
    /// An environment that is on or off.
    pub(super) switch: bool,
    /// The application's own URL.
    pub(super) own_url: bool,
    /// The mode of a provider.
    pub(super) flag: bool,
}

impl Declares {
    /// What a name may declare.
    pub(super) fn of(name: &[u8], all: &NameWords, traits: NameTraits) -> Self {
        Self {
            deployment: is_deployment(name, all),
            runtime: is_runtime(name, all),
            switch: is_switch(all),
            own_url: is_own_url(all, traits),
            flag: name.len() <= FLAG && (is_mode_name(traits) || side_of_flag(traits).is_some()),
        }
    }

    /// Whether it says where its block is.
    pub(super) const fn of_place(self) -> bool {
        self.deployment || self.runtime || self.switch
    }
}

/// The last part of a dotted name, if it has several.
fn behind_dot(name: &[u8]) -> Option<NameWords> {
    memchr::memrchr(b'.', name).map(|dot| NameWords::of(&name[dot + 1..]))
}

/// Attributes of OpenTelemetry, one of which is the environment.
const ATTRIBUTES: &[u8] = b"otelresourceattributes";

/// The normal form of a deployment variable, without the prefix of serverless frameworks.
fn deployment_name(all: &NameWords) -> &[u8] {
    let name = all.normal();
    name.strip_prefix(b"env").filter(|rest| is_one_of(rest, DEPLOYMENT)).unwrap_or(name)
}

/// Whether a name is that of a deployment variable.
fn is_deployment(name: &[u8], all: &NameWords) -> bool {
    let normal = all.normal();
    let speaks = memchr::memchr2(b'v', b'r', normal).is_some() && [&b"env"[..], b"tier"].iter().any(|part| holds(normal, part))
        || normal.ends_with(b"stage")
        || normal == b"workspace"
        || normal == ATTRIBUTES;
    if !speaks {
        return false;
    }
    let normal = deployment_name(all);
    let own = normal.len() > 6 && (normal.ends_with(b"appenv") || normal.ends_with(b"deployenv"));
    let last = || behind_dot(name).is_some_and(|last| is_one_of(last.normal(), &["environment", "appenv"]));
    own || normal == ATTRIBUTES || is_one_of(normal, DEPLOYMENT) || last()
}

/// P21 and P33: a deployment variable.
pub(super) fn deployment(dictionary: &Words, told: &Told<'_, '_>) -> Option<Stage> {
    let (entry, all) = (told.entry, &told.words);
    if entry.commented || entry.value.len() > 200 || !is_deployment(entry.name, all) || is_reference(entry.value) {
        return None;
    }
    let name = deployment_name(all);
    if name == ATTRIBUTES {
        let said = entry.value.split(|&byte| byte == b',').find_map(|pair| {
            let equal = memchr::memchr(b'=', pair)?;
            pair[..equal].trim_ascii().starts_with(b"deployment.environment").then(|| pair[equal + 1..].trim_ascii())
        })?;
        return dictionary.loose(said, Counts::KEY);
    }
    let plain = is_one_of(name, &["stage", "tier", "workspace"]);
    let exact = dictionary.exact(entry.value, Counts::KEY);
    exact.or_else(|| {
        dictionary.loose(entry.value, Counts { live: false, ..Counts::KEY }).filter(|_| !plain && entry.value.len() <= 40)
    })
}

/// Whether a short text holds another: a searcher would cost more than these few bytes.
fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|there| there == part)
}

/// Whether a name is that of a variable that says how code was built or started.
fn is_runtime(name: &[u8], all: &NameWords) -> bool {
    let active = || behind_dot(name).is_some_and(|last| last.normal() == b"active") && holds(all.normal(), b"profiles");
    is_one_of(all.normal(), RUNTIME) || active()
}

/// P34: how code was built or started; a production value weighs little.
pub(super) fn runtime(dictionary: &Words, told: &Told<'_, '_>) -> Option<(Stage, u8)> {
    let (entry, name) = (told.entry, told.words.normal());
    if entry.commented || !is_runtime(entry.name, &told.words) || is_reference(entry.value) {
        return None;
    }
    let stage = match entry.value {
        b"release" if name == b"ginmode" => Stage::Production,
        b"debug" if name == b"ginmode" => Stage::Dev,
        value if name == b"djangosettingsmodule" => {
            let last = value.rsplit(|&byte| byte == b'.').next()?;
            dictionary.loose(last, Counts::KEY)?
        }
        value => value.split(|byte| b", ".contains(byte)).find_map(|part| dictionary.exact(part, Counts::KEY))?,
    };
    Some((stage, if stage == Stage::Production { BUILT } else { 60 }))
}

fn boolean(value: &[u8]) -> Option<bool> {
    // None of the words below is longer.
    if value.len() > 8 {
        return None;
    }
    let is = |wanted: &[&str]| wanted.iter().any(|wanted| value.eq_ignore_ascii_case(wanted.as_bytes()));
    match () {
        () if is(&["true", "1", "yes", "on", "enabled"]) => Some(true),
        () if is(&["false", "0", "no", "off", "disabled"]) => Some(false),
        () => None,
    }
}

/// The environment that a switch is called after.
fn switched(all: &NameWords) -> &[u8] {
    let name = all.normal();
    name.strip_prefix(b"is").unwrap_or(name)
}

fn is_switch(all: &NameWords) -> bool {
    is_one_of(switched(all), &["production", "prod", "development", "dev", "staging", "local"])
}

/// P36: a word for an environment as a switch. That a lower one is off says nothing.
pub(super) fn switch(told: &Told<'_, '_>) -> Option<Stage> {
    if told.entry.commented || !is_switch(&told.words) {
        return None;
    }
    match (switched(&told.words), boolean(told.entry.value)?) {
        (b"production" | b"prod", true) => Some(Stage::Production),
        (b"production" | b"prod", false) | (b"development" | b"dev", true) => Some(Stage::Dev),
        (b"staging", true) => Some(Stage::Staging),
        (b"local", true) => Some(Stage::Local),
        _ => None,
    }
}

/// Whether a name is that of the application's own URL.
fn is_own_url(all: &NameWords, traits: NameTraits) -> bool {
    all.len() <= 4 && traits.has(lexicon::ADDRESS) && traits.has(lexicon::OWN)
}

/// P37: a label of the application's own URL.
pub(super) fn own_url(dictionary: &Words, told: &Told<'_, '_>) -> Option<Stage> {
    let entry = told.entry;
    // What has blanks is no URL but an expression: `environment === 'live'`.
    if entry.commented
        || !is_own_url(&told.words, NameTraits::of(told.words.iter()))
        || entry.value.iter().any(u8::is_ascii_whitespace)
    {
        return None;
    }
    host_stage(dictionary, entry.value)
}

/// The environment that the sub-domains of a URL or a host name.
pub(super) fn host_stage(dictionary: &Words, url: &[u8]) -> Option<Stage> {
    let rest = memchr::memmem::find(url, b"://").map_or(url, |at| &url[at + 3..]);
    let host = rest.split(|byte| b"/:?#".contains(byte)).next().unwrap_or_default();
    // `url = environment === "production"` holds no host.
    if host.iter().any(|byte| byte.is_ascii_whitespace() || b"\"'`=()".contains(byte)) {
        return None;
    }
    let labels: Vec<&[u8]> = host.split(|&byte| byte == b'.').collect();
    // The registered domain and the public suffix say nothing.
    let own = match labels.len() {
        0 => 0,
        1 => usize::from(memchr::memmem::find(url, b"://").is_none()),
        2 if matches!(labels[1], b"local" | b"internal" | b"lan" | b"localdomain") => 1,
        many => many - 2,
    };
    labels[..own].iter().find_map(|label| dictionary.loose(label, Counts::KEY))
}

/// C3: in which mode a provider is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flag<'a> {
    /// Which money.
    pub(super) environment: Environment,
    pub(super) name: &'a [u8],
    value: &'a [u8],
    pub(super) span: crate::span::Span,
    /// Whether the name alone, without a provider, may be such a flag.
    pub(super) generic: bool,
    /// Whether it is called so that it speaks of the place rather.
    pub(super) of_place: bool,
    /// Whether it is called `environment`, which says the one or the other.
    pub(super) plain: bool,
}

impl Flag<'_> {
    /// Whether its value is a word for the mode of a key, and hardly one for a place.
    pub(super) const fn is_of_money(&self) -> bool {
        self.value.eq_ignore_ascii_case(b"sandbox") || self.value.eq_ignore_ascii_case(b"live")
    }

    /// The name and the value.
    pub(super) fn text(&self) -> String {
        format!("{}={}", String::from_utf8_lossy(self.name), String::from_utf8_lossy(self.value))
    }
}

/// Names that alone, without a provider, may be the flag of one.
const GENERIC: &[&str] = &[
    "isproduction",
    "islive",
    "livemode",
    "live",
    "testmode",
    "istest",
    "sandbox",
    "usesandbox",
    "issandbox",
    "sandboxmode",
    "mode",
    "paymentmode",
    "paymentsmode",
];

/// The longest name of a flag.
const FLAG: usize = 60;

/// Whether a name ends as those of modes do that have a word for their value.
const fn is_mode_name(traits: NameTraits) -> bool {
    traits.last & lexicon::MODE != 0
}

/// What a flag of that name means if it is on; nothing if it is none.
fn side_of_flag(traits: NameTraits) -> Option<Environment> {
    let flaglike = traits.last & lexicon::ENDS != 0 || traits.first & lexicon::BEGINS != 0;
    match (traits.has(lexicon::LIVE), traits.has(lexicon::SANDBOXED)) {
        (true, false) if flaglike => Some(Environment::Live),
        (false, true) if flaglike => Some(Environment::Sandbox),
        _ => None,
    }
}

/// What an assignment says of the mode of a provider. Whose mode it is, its name or its block says.
pub(super) fn flag<'a>(told: &Told<'_, 'a>) -> Option<Flag<'a>> {
    let (entry, all) = (told.entry, &told.words);
    if entry.commented || entry.name.len() > FLAG {
        return None;
    }
    let traits = NameTraits::of(all.iter());
    let environment = match boolean(entry.value) {
        Some(on) => match (side_of_flag(traits)?, on) {
            (Environment::Live, true) | (Environment::Sandbox, false) => Environment::Live,
            _ => Environment::Sandbox,
        },
        None if is_mode_name(traits) => {
            let value = String::from_utf8_lossy(entry.value).to_ascii_lowercase();
            match value.rsplit(['.', ':']).next().unwrap_or_default() {
                "live" | "prod" | "production" | "prd" => Environment::Live,
                "test" | "sandbox" | "sbx" | "staging" | "development" | "dev" | "testing" | "uat" | "playground" => {
                    Environment::Sandbox
                }
                _ => return None,
            }
        }
        None => return None,
    };
    let name = all.normal();
    let (generic, of_place) = (is_one_of(name, GENERIC), name == b"isproduction");
    let plain = matches!(name, b"environment" | b"env");
    Some(Flag { environment, name: entry.name, value: entry.value, span: entry.span, generic, of_place, plain })
}

/// What a constant says of the mode of a provider, whatever it is given to: `braintree.Environment.Sandbox`,
/// `PlaidEnvironments.production`.
pub(super) fn constant(text: &[u8], span: crate::span::Span) -> Option<Flag<'_>> {
    let dot = memchr::memrchr2(b'.', b':', text).filter(|_| text.len() <= FLAG)?;
    let (name, value) = (text[..dot].strip_suffix(b":").unwrap_or(&text[..dot]), &text[dot + 1..]);
    let own = name.rsplit(|byte| !byte.is_ascii_alphanumeric()).next()?;
    let own = own.strip_suffix(b"Enum").or_else(|| own.strip_suffix(b"s")).unwrap_or(own);
    let environment = match value.to_ascii_lowercase().as_slice() {
        b"live" | b"production" => Environment::Live,
        b"test" | b"sandbox" => Environment::Sandbox,
        _ => return None,
    };
    let is_path = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'\\');
    let fits = own.ends_with(b"Environment") && name.iter().all(is_path);
    fits.then_some(Flag { environment, name, value, span, generic: true, of_place: false, plain: false })
}

/// A clue from an assignment.
pub(super) fn clue(id: &'static str, (stage, weight): (Stage, u8), entry: &Entry<'_>) -> Clue {
    let text = format!("{}={}", String::from_utf8_lossy(entry.name), String::from_utf8_lossy(entry.value));
    Clue::new(id, stage, weight, text).at(entry.span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    fn entry<'a>(name: &'a str, value: &'a str) -> Entry<'a> {
        Entry { name: name.as_bytes(), value: value.as_bytes(), commented: false, span: Span::new(0, 1) }
    }

    #[test]
    fn every_variable() {
        let words = Words::default();
        for name in [
            "APP_ENV",
            "DEPLOY_ENV",
            "ENVIRONMENT",
            "ENV",
            "STAGE",
            "TIER",
            "SENTRY_ENVIRONMENT",
            "DD_ENV",
            "RAILWAY_ENVIRONMENT",
            "VERCEL_ENV",
            "SHOP_APP_ENV",
        ] {
            assert_eq!(deployment(&words, &Told::new(&entry(name, "production"))), Some(Stage::Production), "{name}");
            assert_eq!(deployment(&words, &Told::new(&entry(name, "${X}"))), None, "{name}");
            assert_eq!(deployment(&words, &Told::new(&entry(name, "gold"))), None, "{name}");
        }
        let otel = entry("OTEL_RESOURCE_ATTRIBUTES", "service.name=pay,deployment.environment=staging");
        assert_eq!(deployment(&words, &Told::new(&otel)), Some(Stage::Staging));
        for name in
            ["NODE_ENV", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "MIX_ENV", "ASPNETCORE_ENVIRONMENT", "SPRING_PROFILES_ACTIVE"]
        {
            assert_eq!(runtime(&words, &Told::new(&entry(name, "production"))), Some((Stage::Production, 45)), "{name}");
            assert_eq!(runtime(&words, &Told::new(&entry(name, "development"))), Some((Stage::Dev, 60)), "{name}");
            assert_eq!(deployment(&words, &Told::new(&entry(name, "production"))), None, "{name}");
        }
        assert_eq!(
            runtime(&words, &Told::new(&entry("DJANGO_SETTINGS_MODULE", "shop.settings.production"))),
            Some((Stage::Production, 45))
        );
        assert_eq!(runtime(&words, &Told::new(&entry("GIN_MODE", "release"))), Some((Stage::Production, 45)));
        assert_eq!(runtime(&words, &Told::new(&entry("spring.profiles.active", "prod,eu"))), Some((Stage::Production, 45)));
    }

    #[test]
    fn switches_and_urls() {
        for (name, value, stage) in [
            ("production", "true", Some(Stage::Production)),
            ("isProduction", "false", Some(Stage::Dev)),
            ("IS_PRODUCTION", "0", Some(Stage::Dev)),
            ("STAGING", "false", None),
            ("STAGING", "1", Some(Stage::Staging)),
            ("production", "maybe", None),
        ] {
            assert_eq!(switch(&Told::new(&entry(name, value))), stage, "{name}={value}");
        }
        let words = Words::default();
        for (name, value, stage) in [
            ("APP_URL", "https://staging.shop.example", Some(Stage::Staging)),
            ("APP_URL", "https://shop.example/staging", None),
            ("APP_URL", "https://sandbox.game", None),
            ("SITE_URL", "https://app-dev.shop.example:8080/", Some(Stage::Dev)),
            ("LOGO_IMAGE", "https://staging.shop.example", None),
            ("rootUrl", "environment === 'live'", None),
            ("baseURL", "environment === \"production\"", None),
        ] {
            assert_eq!(own_url(&words, &Told::new(&entry(name, value))), stage, "{name}={value}");
        }
    }

    #[test]
    fn flags_of_providers() {
        use Environment::{Live, Sandbox};
        for (name, value, expected) in [
            ("PAYPAL_MODE", "sandbox", Some(Sandbox)),
            ("PAYPAL_MODE", "live", Some(Live)),
            ("PLAID_ENV", "production", Some(Live)),
            ("MIDTRANS_IS_PRODUCTION", "false", Some(Sandbox)),
            ("is_production", "true", Some(Live)),
            ("STRIPE_LIVE_MODE", "true", Some(Live)),
            ("STRIPE_LIVE_MODE", "False", Some(Sandbox)),
            ("STRIPE_TEST_MODE", "false", Some(Live)),
            ("useSandbox", "true", Some(Sandbox)),
            ("environment", "Environment.SANDBOX", Some(Sandbox)),
            ("STRIPE_SECRET_KEY", "live", None),
            ("LIVE_RELOAD_COUNT", "1", None),
            ("PAYPAL_MODE", "fast", None),
        ] {
            assert_eq!(flag(&Told::new(&entry(name, value))).map(|flag| flag.environment), expected, "{name}={value}");
        }
    }
}
