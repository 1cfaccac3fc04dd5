//! Assignments that say where code runs (`APP_ENV=production`), how it was built (`NODE_ENV`), or in
//! which mode a provider is used (`PAYPAL_MODE=live`).

use super::entry::Entry;
use super::resolve::Clue;
use super::words::{Counts, Words};
use crate::credential::Environment;
use crate::finding::Stage;
use crate::rule::name::{normalise, words};

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

/// P21 and P33: a deployment variable.
pub(super) fn deployment(dictionary: &Words, entry: &Entry<'_>) -> Option<Stage> {
    if entry.commented || is_reference(entry.value) || entry.value.len() > 200 {
        return None;
    }
    let name = normalise(entry.name);
    let name = name.strip_prefix("env").filter(|rest| DEPLOYMENT.contains(rest)).unwrap_or(&name);
    if name == "otelresourceattributes" {
        let attributes = String::from_utf8_lossy(entry.value).into_owned();
        let said = attributes.split(',').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            key.trim().starts_with("deployment.environment").then(|| value.trim().to_owned())
        })?;
        return dictionary.loose(said.as_bytes(), Counts::KEY);
    }
    let own = name.len() > 6 && (name.ends_with("appenv") || name.ends_with("deployenv"));
    let last = entry.name.rsplit(|&byte| byte == b'.').next().map(normalise);
    let known = DEPLOYMENT.contains(&name) || own || last.is_some_and(|last| matches!(last.as_str(), "environment" | "appenv"));
    if !known {
        return None;
    }
    let plain = matches!(name, "stage" | "tier" | "workspace");
    let exact = dictionary.exact(entry.value, Counts::KEY);
    exact.or_else(|| {
        dictionary.loose(entry.value, Counts { live: false, ..Counts::KEY }).filter(|_| !plain && entry.value.len() <= 40)
    })
}

/// P34: how code was built or started; a production value weighs little.
pub(super) fn runtime(dictionary: &Words, entry: &Entry<'_>) -> Option<(Stage, u8)> {
    if entry.commented || is_reference(entry.value) {
        return None;
    }
    let name = normalise(entry.name);
    let dotted = entry.name.rsplit(|&byte| byte == b'.').next().map(normalise);
    let spring = name == "springprofilesactive" || dotted.as_deref() == Some("active") && name.contains("profiles");
    if !RUNTIME.contains(&name.as_str()) && !spring {
        return None;
    }
    let stage = match entry.value {
        b"release" if name == "ginmode" => Stage::Production,
        b"debug" if name == "ginmode" => Stage::Dev,
        value if name == "djangosettingsmodule" => {
            let last = value.rsplit(|&byte| byte == b'.').next()?;
            dictionary.loose(last, Counts::KEY)?
        }
        value => value.split(|byte| b", ".contains(byte)).find_map(|part| dictionary.exact(part, Counts::KEY))?,
    };
    Some((stage, if stage == Stage::Production { BUILT } else { 60 }))
}

fn boolean(value: &[u8]) -> Option<bool> {
    match value.to_ascii_lowercase().as_slice() {
        b"true" | b"1" | b"yes" | b"on" | b"enabled" => Some(true),
        b"false" | b"0" | b"no" | b"off" | b"disabled" => Some(false),
        _ => None,
    }
}

/// P36: a word for an environment as a switch. That a lower one is off says nothing.
pub(super) fn switch(entry: &Entry<'_>) -> Option<Stage> {
    if entry.commented {
        return None;
    }
    let on = boolean(entry.value)?;
    let name = normalise(entry.name);
    let name = name.strip_prefix("is").unwrap_or(&name);
    match (name, on) {
        ("production" | "prod", true) => Some(Stage::Production),
        ("production" | "prod", false) | ("development" | "dev", true) => Some(Stage::Dev),
        ("staging", true) => Some(Stage::Staging),
        ("local", true) => Some(Stage::Local),
        _ => None,
    }
}

/// P37: a label of the application's own URL.
pub(super) fn own_url(dictionary: &Words, entry: &Entry<'_>) -> Option<Stage> {
    let all = words(entry.name);
    let owner = [
        "app",
        "base",
        "site",
        "public",
        "server",
        "web",
        "frontend",
        "backend",
        "root",
        "canonical",
        "domain",
        "api",
        "next",
        "host",
        "nextauth",
    ];
    let url = ["url", "host", "domain", "origin", "uri"];
    let about = all.len() <= 4
        && all.iter().any(|word| url.contains(&word.as_str()))
        && all.iter().any(|word| owner.contains(&word.as_str()));
    // What has blanks is no URL but an expression: `environment === 'live'`.
    if entry.commented || !about || entry.value.iter().any(u8::is_ascii_whitespace) {
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
pub(super) struct Flag {
    /// Which money.
    pub(super) environment: Environment,
    /// The name and the value.
    pub(super) text: String,
    pub(super) name: Vec<u8>,
    pub(super) span: crate::span::Span,
    /// Whether the name alone, without a provider, may be such a flag.
    pub(super) generic: bool,
}

/// What an assignment says of the mode of a provider. Whose mode it is, its name or its block says.
pub(super) fn flag(entry: &Entry<'_>) -> Option<Flag> {
    if entry.commented || entry.name.len() > 60 {
        return None;
    }
    let all = words(entry.name);
    let last = all.last()?.as_str();
    let has = |wanted: &[&str]| all.iter().any(|word| wanted.contains(&word.as_str()));
    let value = String::from_utf8_lossy(entry.value).to_ascii_lowercase();
    let said = value.rsplit(['.', ':']).next().unwrap_or_default();
    let environment = match boolean(entry.value) {
        Some(on) => {
            let flaglike = matches!(
                last,
                "mode" | "production" | "prod" | "live" | "livemode" | "sandbox" | "test" | "testmode" | "enabled"
            ) || matches!(all[0].as_str(), "is" | "use" | "enable");
            let live = has(&["production", "prod", "live", "livemode"]);
            let sandbox = has(&["sandbox", "test", "testmode", "testing"]);
            match (flaglike && live != sandbox, live == on) {
                (false, _) => return None,
                (true, true) => Environment::Live,
                (true, false) => Environment::Sandbox,
            }
        }
        None if matches!(last, "mode" | "env" | "environment") => match said {
            "live" | "prod" | "production" | "prd" => Environment::Live,
            "test" | "sandbox" | "sbx" | "staging" | "development" | "dev" | "testing" | "uat" | "playground" => {
                Environment::Sandbox
            }
            _ => return None,
        },
        None => return None,
    };
    let name = normalise(entry.name);
    let generic = matches!(
        name.as_str(),
        "isproduction"
            | "islive"
            | "livemode"
            | "live"
            | "testmode"
            | "istest"
            | "sandbox"
            | "usesandbox"
            | "issandbox"
            | "sandboxmode"
            | "mode"
            | "paymentmode"
            | "paymentsmode"
    );
    let text = format!("{}={}", String::from_utf8_lossy(entry.name), String::from_utf8_lossy(entry.value));
    Some(Flag { environment, text, name: entry.name.to_vec(), span: entry.span, generic })
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
            assert_eq!(deployment(&words, &entry(name, "production")), Some(Stage::Production), "{name}");
            assert_eq!(deployment(&words, &entry(name, "${X}")), None, "{name}");
            assert_eq!(deployment(&words, &entry(name, "gold")), None, "{name}");
        }
        let otel = entry("OTEL_RESOURCE_ATTRIBUTES", "service.name=pay,deployment.environment=staging");
        assert_eq!(deployment(&words, &otel), Some(Stage::Staging));
        for name in
            ["NODE_ENV", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "MIX_ENV", "ASPNETCORE_ENVIRONMENT", "SPRING_PROFILES_ACTIVE"]
        {
            assert_eq!(runtime(&words, &entry(name, "production")), Some((Stage::Production, 45)), "{name}");
            assert_eq!(runtime(&words, &entry(name, "development")), Some((Stage::Dev, 60)), "{name}");
            assert_eq!(deployment(&words, &entry(name, "production")), None, "{name}");
        }
        assert_eq!(runtime(&words, &entry("DJANGO_SETTINGS_MODULE", "shop.settings.production")), Some((Stage::Production, 45)));
        assert_eq!(runtime(&words, &entry("GIN_MODE", "release")), Some((Stage::Production, 45)));
        assert_eq!(runtime(&words, &entry("spring.profiles.active", "prod,eu")), Some((Stage::Production, 45)));
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
            assert_eq!(switch(&entry(name, value)), stage, "{name}={value}");
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
            assert_eq!(own_url(&words, &entry(name, value)), stage, "{name}={value}");
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
            assert_eq!(flag(&entry(name, value)).map(|flag| flag.environment), expected, "{name}={value}");
        }
    }
}
