//! What a finding is called, and how bad it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is. The order is the order of the levels: the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Shown, never blocks.
    Low,
    /// Warns.
    Medium,
    /// Blocks.
    High,
    /// Blocks, and money can move.
    Critical,
}

impl Severity {
    /// Every level, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Notice];

    /// The name in reports and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Notice => "notice",
        }
    }
}

impl Severity {
    /// One level worse; the worst stays.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Notice => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }

    /// One level better; a notice stays one.
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Notice => Self::Notice,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Declares the kinds of findings: id, title, checklist ids, what follows from it, what to do.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $id:literal, $title:literal, [$($item:literal),*], $follows:literal, $do:literal;)*) => {
        /// What a finding is. The ids are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$kind => $id,)* }
            }

            /// What happened, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// The lines of the go-live checklists that it falsifies.
            pub const fn checklist(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($item),*],)* }
            }

            /// What follows from it; empty where the title says it all.
            pub const fn consequence(self) -> &'static str {
                match self { $(Self::$kind => $follows,)* }
            }

            /// What to do; empty where only the rule of the credential knows.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $do,)* }
            }
        }
    };
}

kinds! {
    /// A key that pays out, in code that customers are given.
    PayoutKeyExposedToClient = "payout-key-exposed-to-client", "payout key exposed to clients", ["PC-S3", "PC-S5"],
        "Whoever opens the page or unpacks the app can pay money out.",
        "Revoke it in the dashboard, create a new payout key with a narrow policy, and call it from a back end only.";
    /// Another secret there.
    SecretKeyExposedToClient = "secret-key-exposed-to-client", "secret key exposed to clients", ["PC-S1", "CA-1.2"],
        "Whoever opens the page or unpacks the app can act as you.",
        "Rotate it and move the call behind a route of your server.";
    /// A secret's name that bundlers publish.
    SecretVariableMadePublic = "secret-variable-made-public", "secret variable made public", ["PC-S1", "PC-S3"],
        "Bundlers inline a name like this wherever client code refers to it: a use on the server still works today and is one import away from publication.",
        "Rename it without the public prefix, rebuild, check what was deployed, and rotate it if it was ever built with a value.";
    /// A key that pays out, in any log.
    PayoutKeyInLog = "payout-key-in-log", "payout key in a log", ["PC-S6", "PC-S3", "PC-SMOKE11"],
        "Whoever reads the log can pay money out.",
        "Revoke it now, purge the log store, and redact at the source.";
    /// A live secret in a log of a lower environment.
    LiveKeyInNonproductionLog = "live-key-in-nonproduction-log", "live key in a log of a lower environment", ["PC-S6", "PC-A2"],
        "It is leaked, and a lower environment holds live money.",
        "Rotate it, give the lower environment a sandbox key, and redact at the source.";
    /// A live secret in a log.
    LiveKeyInLog = "live-key-in-log", "live key in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"],
        "",
        "Rotate it, redact at the source, and purge the log store.";
    /// A sandbox credential in a production record.
    SandboxKeyInProductionLog = "sandbox-key-in-production-log", "sandbox key in a production log", ["PC-A4", "PC-S6"],
        "Production is wired to the sandbox: its payments do not settle.",
        "Give the deployment its live key, then redact at the source.";
    /// A secret of unknown environment in a log.
    SecretInLog = "secret-in-log", "secret in a log", ["PC-S6", "PC-M1", "PC-SMOKE11"],
        "",
        "Rotate it and redact at the source; declare its host in .keyfence.toml [[environment.host]] to learn the environment.";
    /// A sandbox key in a log that is not known to be production's.
    SandboxKeyInLog = "sandbox-key-in-log", "sandbox key in a log", ["PC-S6"], "", "";
    /// A test event in a production record.
    SandboxEventInProductionLog = "sandbox-event-in-production-log", "sandbox event in a production log", ["PC-W2", "PC-A2"],
        "A webhook of the sandbox is registered with the production endpoint.",
        "Correct the registration of the endpoint in the provider's dashboard.";
    /// A live event in a record of a lower environment.
    LiveEventInNonproductionLog = "live-event-in-nonproduction-log", "live event in a log of a lower environment",
        ["PC-W2", "PC-A2"],
        "A live webhook is registered with the endpoint of a lower environment, which may have acted on real money.",
        "Correct the registration of the endpoint, and check what the lower environment did with it.";
    /// A sandbox host or route in a production record.
    SandboxEndpointInProductionLog = "sandbox-endpoint-in-production-log", "sandbox endpoint in a production log",
        ["PC-A3", "CA-4.4", "CA-8.3"],
        "Production calls the sandbox.",
        "Switch the base URL and disable sandbox automation.";
    /// A published test card in a production record.
    TestCardInProductionLog = "test-card-in-production-log", "test card in a production log", ["PC-A2", "CA-4.3"],
        "A smoke test, a card tester or a forgotten fixture reaches production, and card numbers are logged.",
        "Find the caller and stop logging card numbers; a planned smoke test is a dated [[environment.allow]].";
    /// A live secret in tests.
    LiveKeyInTest = "live-key-in-test", "live key in a test", ["PC-A5", "PC-S1"],
        "Everybody who runs the tests touches real money.",
        "Rotate it and record again with a sandbox key.";
    /// A live secret in a pipeline's configuration.
    LiveKeyInCi = "live-key-in-ci", "live key in a pipeline", ["PC-S1", "CA-1.4"],
        "Every job of the pipeline, and everybody who can change it, has it.",
        "Rotate it and move it to the secret store of the pipeline, bound to a protected environment.";
    /// A live secret in a dotenv file that git tracks.
    LiveKeyInCommittedEnv = "live-key-in-committed-env", "live key in a committed dotenv file", ["PC-A5", "CA-1.2"],
        "Every clone has it, and history keeps it.",
        "Rotate it, `git rm --cached` the file, ignore it, and read the key from a secret manager.";
    /// A live credential in a lower environment.
    LiveKeyInNonproduction = "live-key-in-nonproduction", "live key in a lower environment", ["PC-A2", "PC-A5"],
        "Tests and mistakes there move real money.",
        "Replace it by the sandbox key, and rotate it if others could read it.";
    /// A live secret that git tracks, where it belongs but not in a secret manager.
    LiveKeyInSourceControl = "live-key-in-source-control", "live key in source control", ["PC-S1", "CA-1.2"],
        "Every clone has it, and history keeps it.",
        "Rotate it and refer to a secret manager.";
    /// A sandbox credential in a production place.
    SandboxKeyInProduction = "sandbox-key-in-production", "sandbox key in production", ["PC-A4", "CA-1.4", "CA-8.1"],
        "Payments made by this deployment will not settle.",
        "Replace it by a reference to the live key in your secret manager; if this place is not production, declare it in .keyfence.toml [[environment.place]].";
    /// A live key beside a sandbox host.
    LiveKeyWithSandboxHost = "live-key-with-sandbox-host", "live key with a sandbox host", ["PC-A3"],
        "Calls fail, and the sandbox is sent a live key.",
        "Take host and key from one profile.";
    /// A sandbox key beside a live host.
    SandboxKeyWithLiveHost = "sandbox-key-with-live-host", "sandbox key with a live host", ["PC-A3"],
        "Calls fail.",
        "Take host and key from one profile.";
    /// A slot or a flag that contradicts the value.
    CredentialModeMismatch = "credential-mode-mismatch", "key of the wrong mode", ["PC-A2"],
        "Somebody believes this is the other environment.",
        "Swap or refill the slot; a live key in a test slot must be rotated.";
    /// A key and a chain of different environments.
    NetworkEnvironmentMismatch = "network-environment-mismatch", "network of the wrong environment", ["PC-P2"],
        "Transfers go to the wrong chain or fail.",
        "Swap the network ids together with the keys.";
    /// Live and sandbox literals of one provider side by side.
    MixedEnvironmentsInFile = "mixed-environments-in-file", "live and sandbox mixed in one file", ["PC-A2", "CA-8.1"],
        "Which of them runs cannot be seen.",
        "Keep one profile for each environment.";
    /// One webhook secret on both sides.
    SharedWebhookSecret = "shared-webhook-secret", "webhook secret shared by live and sandbox", ["PC-W2", "PC-A2", "CA-1.1"],
        "Whoever has the sandbox's secret can forge live events.",
        "Issue a secret for each environment.";
    /// One endpoint on both sides.
    SharedWebhookEndpoint = "shared-webhook-endpoint", "webhook endpoint shared by live and sandbox", ["PC-W2", "CA-3.4"],
        "Test events arrive where real money is booked.",
        "Register one endpoint for each mode.";
    /// One credential on both sides.
    SharedCredential = "shared-credential-across-environments", "credential shared by live and sandbox",
        ["PC-W2", "PC-A2", "CA-1.1"],
        "One of the two environments uses the other's money, and a leak of either is a leak of both.",
        "Issue a credential for each environment.";
    /// One key for collecting and for paying out.
    PayoutKeyReused = "payout-key-reused-as-standard", "payout key reused as standard key", ["PC-S2", "PC-S3"],
        "Every service that only collects can also pay out.",
        "Issue a standard key for collection and keep the payout key apart.";
    /// A payment webhook without TLS.
    InsecureWebhookEndpoint = "insecure-webhook-endpoint", "payment webhook over plain http", ["PC-W1", "CA-2.1"],
        "Events can be read and changed on their way.",
        "Use https with TLS 1.2 or later.";
    /// A sandbox host or route in a production place.
    SandboxEndpointInProduction = "sandbox-endpoint-in-production", "sandbox endpoint in production",
        ["PC-A3", "CA-4.4", "CA-8.3"],
        "Production talks to the sandbox.",
        "Switch the host and remove sandbox automation; a connector that is not live yet is a dated [[environment.allow]].";
    /// A published test card in a production place.
    TestCardInProduction = "test-card-in-production", "test card in production", ["PC-A2", "CA-4.3"],
        "",
        "Remove it, or use a card that the operator controls.";
    /// A reference whose name contradicts its place.
    ReferenceEnvironmentMismatch = "reference-environment-mismatch", "reference of the wrong environment", ["CA-1.4"],
        "",
        "Refer to the secret of this environment, or rename it.";
    /// A credential or a place that cannot be told.
    EnvironmentUnresolved = "environment-unresolved", "environment unknown", [], "", "Declare it in .keyfence.toml.";
    /// A live, unknown or general secret where secrets do not belong.
    HardcodedSecret = "hardcoded-secret", "secret written into a file", ["PC-S1", "CA-1.2"], "", "";
    /// Card data in a log.
    CardNumberInLog = "card-number-in-log", "card data in a log", ["PC-S6"],
        "Card data in the open is an incident under PCI DSS.",
        "Stop logging it, purge the log store, and tell whoever is responsible for PCI DSS.";
    /// Card data in a file.
    CardNumberInSource = "card-number-in-source", "card data written into a file", ["PC-S6"],
        "Card data in the open is an incident under PCI DSS.",
        "";
    /// A sandbox key in code or configuration.
    SandboxKeyInSource = "sandbox-key-in-source", "sandbox key written into a file", ["CA-1.2"], "", "";
}

impl Kind {
    /// The kind of that id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_distinct_kebab_case_ids() {
        let mut ids: Vec<_> = Kind::ALL.iter().map(|kind| kind.id()).collect();
        assert!(ids.iter().all(|id| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Kind::ALL.len());
    }
}
