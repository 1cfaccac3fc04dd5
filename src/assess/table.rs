//! The rows of the decision table, in its order: for each credential the first that applies.

use crate::credential::{Class, Confidence, Credential, Environment};
use crate::environment::Form;
use crate::finding::{Kind, PlaceKind, Severity, Stage, Tracked};
use crate::rule::Rule;

/// What a credential is for, as the table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It moves funds out.
    Payout,
    /// It acts for a server.
    Secret,
    /// It signs webhooks.
    Webhook,
    /// The secret half of a pair.
    Pair,
    /// It is made for clients.
    Publishable,
    /// It names somebody.
    Identifier,
    /// A card number.
    Card,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] =
        [Self::Payout, Self::Secret, Self::Webhook, Self::Pair, Self::Publishable, Self::Identifier, Self::Card];

    /// The role of a class; a slot may say that a secret pays out.
    pub const fn of(class: Class, payout_slot: bool) -> Self {
        match class {
            Class::PayoutKey | Class::ContractExecutionKey => Self::Payout,
            Class::WebhookSecret => Self::Webhook,
            Class::ClientSecret => Self::Pair,
            Class::PublishableKey => Self::Publishable,
            Class::ClientId => Self::Identifier,
            Class::CardNumber => Self::Card,
            Class::StandardApiKey | Class::RestrictedKey | Class::General | Class::OauthToken if payout_slot => Self::Payout,
            _ => Self::Secret,
        }
    }

    const fn is_server_side(self) -> bool {
        matches!(self, Self::Payout | Self::Secret | Self::Webhook | Self::Pair)
    }
}

/// One occurrence of a credential, as far as the table asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is for.
    pub role: Role,
    /// Which money it touches.
    pub environment: Environment,
    /// Whether that is assumed from the place only.
    pub assumed: bool,
    /// Where code runs that reads the place.
    pub stage: Stage,
    /// What sort of place.
    pub kind: PlaceKind,
    /// Whether git tracks the file.
    pub tracked: Tracked,
    /// How the value is written.
    pub form: Form,
    /// Whether it only waits in a slot of its own.
    pub parked: bool,
    /// Whether its slot is published.
    pub public_slot: bool,
}

/// A row of the table about where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the kind of finding says what a row is")]
pub enum Row {
    D01,
    D02,
    D10,
    D11,
    D12,
    D13,
    D14,
    D20,
    D21,
    D22,
    D23,
    D24,
    D30,
}

impl Row {
    /// What a finding of the row is.
    pub const fn kind(self) -> Kind {
        match self {
            Self::D01 => Kind::PayoutKeyExposedToClient,
            Self::D02 => Kind::SecretKeyExposedToClient,
            Self::D10 => Kind::PayoutKeyInLog,
            Self::D11 => Kind::LiveKeyInNonproductionLog,
            Self::D12 => Kind::LiveKeyInLog,
            Self::D13 => Kind::SandboxKeyInProductionLog,
            Self::D14 => Kind::SecretInLog,
            Self::D20 => Kind::LiveKeyInTest,
            Self::D21 => Kind::LiveKeyInCi,
            Self::D22 => Kind::LiveKeyInCommittedEnv,
            Self::D23 => Kind::LiveKeyInNonproduction,
            Self::D24 => Kind::LiveKeyInSourceControl,
            Self::D30 => Kind::SandboxKeyInProduction,
        }
    }

    /// Whether the row asks where code runs: then a weak answer makes a weak finding.
    pub const fn needs_place(self) -> bool {
        matches!(self, Self::D11 | Self::D13 | Self::D23 | Self::D30)
    }
}

impl Case {
    const fn copied(self) -> bool {
        matches!(self.kind, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template)
    }

    /// The row that applies, if one does.
    pub fn row(self) -> Option<Row> {
        if matches!(self.role, Role::Identifier | Role::Card) || matches!(self.kind, PlaceKind::Rules | PlaceKind::Ciphertext) {
            return None;
        }
        if self.kind == PlaceKind::Client || self.public_slot && !self.copied() {
            match self.role {
                Role::Payout => return Some(Row::D01),
                role if role.is_server_side() => return Some(Row::D02),
                _ => {}
            }
        }
        let known = |environment| self.environment == environment && !self.assumed;
        if self.kind == PlaceKind::Log {
            return self.log_row();
        }
        if known(Environment::Live) {
            return self.live_row();
        }
        let runs = matches!(self.kind, PlaceKind::Config | PlaceKind::Dotenv | PlaceKind::Source | PlaceKind::Ci);
        let here = known(Environment::Sandbox) && self.stage == Stage::Production && runs;
        (here && self.form != Form::Commented && !self.parked).then_some(Row::D30)
    }

    fn log_row(self) -> Option<Row> {
        let publishable = self.role == Role::Publishable;
        match self.environment {
            _ if self.role == Role::Payout => Some(Row::D10),
            Environment::Live if !self.assumed && !publishable => Some(if self.stage.is_lower() { Row::D11 } else { Row::D12 }),
            Environment::Sandbox if !self.assumed => (self.stage == Stage::Production).then_some(Row::D13),
            _ if (self.environment == Environment::Unknown || self.assumed) && !publishable => Some(Row::D14),
            _ => None,
        }
    }

    fn live_row(self) -> Option<Row> {
        let tracked = self.tracked == Tracked::Yes;
        match self.kind {
            _ if self.role == Role::Publishable => (self.stage.is_lower() && !self.copied()).then_some(Row::D23),
            PlaceKind::Test => Some(Row::D20),
            PlaceKind::Ci => Some(Row::D21),
            PlaceKind::Dotenv | PlaceKind::Template
                if tracked && (self.stage.is_workstation() || matches!(self.stage, Stage::Unknown | Stage::Production)) =>
            {
                Some(Row::D22)
            }
            _ if self.stage.is_lower() => Some(Row::D23),
            _ if tracked => Some(Row::D24),
            _ => None,
        }
    }

    /// How bad a row is, before anything else is known.
    fn base(self, row: Row) -> Severity {
        let sandbox = self.environment == Environment::Sandbox && !self.assumed;
        let live = self.environment == Environment::Live && !self.assumed;
        let payout = self.role == Role::Payout;
        match row {
            Row::D02 if sandbox => Severity::Medium,
            Row::D01 | Row::D02 if !live => Severity::High,
            Row::D10 if sandbox => Severity::High,
            Row::D13 | Row::D30 | Row::D23 if self.role == Role::Publishable => Severity::Medium,
            Row::D13 | Row::D14 | Row::D30 => Severity::High,
            Row::D20 | Row::D24 if !payout => Severity::High,
            Row::D23 if self.tracked != Tracked::Yes => Severity::High,
            _ => Severity::Critical,
        }
    }

    /// How bad it is.
    pub fn severity(self, row: Row, more: Adjust) -> Severity {
        let states_its_own = matches!(row, Row::D01 | Row::D10 | Row::D14 | Row::D20 | Row::D24);
        let sandbox = self.environment == Environment::Sandbox && !self.assumed;
        let mut severity = self.base(row);
        if more.moves_funds && row == Row::D14 || more.moves_funds && !states_its_own && !sandbox {
            severity = severity.raised();
        }
        let less = [
            more.weak_place && row.needs_place(),
            self.form == Form::Default,
            self.parked && row == Row::D23,
            more.test_mode && row == Row::D30,
        ];
        less.into_iter().filter(|less| *less).fold(severity, |severity, _| severity.lowered())
    }
}

/// What raises or lowers a severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjust {
    /// The credential can move funds.
    pub moves_funds: bool,
    /// The environment of the place is a weak answer.
    pub weak_place: bool,
    /// The provider is set to its test mode on purpose.
    pub test_mode: bool,
}

/// The kinds for what no row about environments names.
pub fn base_kind(
    credential: &Credential,
    environment: Environment,
    rule: &Rule,
    kind: PlaceKind,
    tracked: Tracked,
) -> Option<(Kind, Severity)> {
    if credential.class.is_public() || matches!(kind, PlaceKind::Rules | PlaceKind::Ciphertext) {
        return None;
    }
    let sandbox = environment == Environment::Sandbox;
    let copied = matches!(kind, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template);
    if credential.class == Class::CardNumber {
        return Some(match kind {
            PlaceKind::Log => (Kind::CardNumberInLog, Severity::High),
            _ if copied => (Kind::CardNumberInSource, Severity::Low),
            _ => (Kind::CardNumberInSource, Severity::Medium),
        });
    }
    match kind {
        PlaceKind::Log => sandbox.then_some((Kind::SandboxKeyInLog, Severity::Low)),
        _ if tracked == Tracked::Ignored => None,
        _ if sandbox => (!copied).then_some((Kind::SandboxKeyInSource, Severity::Low)),
        _ => {
            let severity = hardcoded(credential, environment, rule);
            let unknown = environment == Environment::Unknown;
            Some((Kind::HardcodedSecret, if copied && unknown { severity.min(Severity::Low) } else { severity }))
        }
    }
}

fn hardcoded(credential: &Credential, environment: Environment, rule: &Rule) -> Severity {
    let by_name = rule.is_named() && !rule.has_literal();
    let unattributed = credential.provider.is_none();
    if !rule.fact.is_firm() && credential.confidence == Confidence::Weak {
        Severity::Low
    } else if is_hollow(credential, rule) {
        Severity::Medium
    } else if credential.class == Class::PrivateKey && unattributed {
        // A PEM block that no wallet and no provider is named beside.
        Severity::High
    } else if credential.class.pays_out() || credential.class == Class::PrivateKey || credential.moves_funds {
        Severity::Critical
    } else if by_name && (unattributed || environment == Environment::Unknown) {
        Severity::Medium
    } else if credential.class == Class::General {
        Severity::Low
    } else {
        Severity::High
    }
}

/// Lines of dashes with anything but a key between them: those who write tests make them up.
fn is_hollow(credential: &Credential, rule: &Rule) -> bool {
    let shown = rule.supports.iter().any(|check| credential.secret.check(check.test));
    credential.class == Class::PrivateKey && !rule.supports.is_empty() && !shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use Environment::{Live, Sandbox, Unknown};

    const TRACKED: [Tracked; 4] = [Tracked::Yes, Tracked::No, Tracked::Ignored, Tracked::Unknown];

    /// The whole product of what the table asks.
    fn every_case(mut visit: impl FnMut(Case)) -> usize {
        let mut count = 0;
        for role in Role::ALL {
            for environment in [Live, Sandbox, Unknown] {
                for assumed in [false, true] {
                    for stage in Stage::ALL {
                        for kind in PlaceKind::ALL {
                            for tracked in TRACKED {
                                for form in [Form::Literal, Form::Default, Form::Commented] {
                                    for flags in 0..4 {
                                        let (parked, public_slot) = (flags & 1 > 0, flags & 2 > 0);
                                        visit(Case {
                                            role,
                                            environment,
                                            assumed,
                                            stage,
                                            kind,
                                            tracked,
                                            form,
                                            parked,
                                            public_slot,
                                        });
                                        count += 1;
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        count
    }

    #[test]
    fn the_table_is_total_and_never_contaminates_the_unknown() {
        let mut rows = std::collections::BTreeMap::new();
        let count = every_case(|case| {
            let Some(row) = case.row() else { return };
            *rows.entry(row).or_insert(0usize) += 1;
            let unknown = case.environment == Unknown || case.assumed;
            assert!(
                case.stage != Stage::Unknown || !matches!(row, Row::D11 | Row::D13 | Row::D23 | Row::D30),
                "{case:?}: {row:?}"
            );
            assert!(!unknown || matches!(row, Row::D01 | Row::D02 | Row::D10 | Row::D14), "{case:?}: {row:?}");
            assert!(!case.copied() || row != Row::D30, "{case:?}");
            assert!(
                row != Row::D30 || case.stage == Stage::Production && case.form != Form::Commented && !case.parked,
                "{case:?}"
            );
            assert!(row != Row::D22 || case.tracked == Tracked::Yes, "{case:?}");
            assert!(!matches!(case.role, Role::Identifier | Role::Card), "{case:?}");
            let log = matches!(row, Row::D10 | Row::D11 | Row::D12 | Row::D13 | Row::D14);
            assert!(!log || case.kind == PlaceKind::Log, "{case:?}: {row:?}");
            assert!(log || case.kind != PlaceKind::Log || case.public_slot, "{case:?}: {row:?}");
            for flags in 0..8 {
                let more = Adjust { moves_funds: flags & 1 > 0, weak_place: flags & 2 > 0, test_mode: flags & 4 > 0 };
                let (plain, severity) = (case.severity(row, Adjust::default()), case.severity(row, more));
                assert!(more.moves_funds || severity <= plain, "{case:?}: {row:?} {more:?}");
                assert!(more.weak_place || more.test_mode || severity >= plain, "{case:?}: {row:?} {more:?}");
            }
        });
        assert_eq!(count, 7 * 3 * 2 * 9 * 11 * 4 * 3 * 4);
        assert_eq!(rows.len(), 13, "every row applies somewhere: {rows:?}");
    }

    fn case(role: Role, environment: Environment, kind: PlaceKind, stage: Stage, tracked: Tracked) -> Case {
        Case { role, environment, assumed: false, stage, kind, tracked, form: Form::Literal, parked: false, public_slot: false }
    }

    #[test]
    fn every_row_of_the_table() {
        use PlaceKind::{Ci, Client, Config, Doc, Dotenv, Log, Source, Template, Test};
        use Role::{Pair, Payout, Publishable, Secret, Webhook};
        use Severity::{Critical, High, Medium};
        use Stage::{Dev, Local, Production, Staging};
        use Tracked::{Ignored, No, Yes};
        let unknown = Stage::Unknown;
        for (case, expected) in [
            (case(Payout, Live, Client, unknown, Yes), Some((Row::D01, Critical))),
            (case(Payout, Sandbox, Client, unknown, Yes), Some((Row::D01, High))),
            (case(Payout, Unknown, Client, unknown, Yes), Some((Row::D01, High))),
            (case(Secret, Live, Client, unknown, Yes), Some((Row::D02, Critical))),
            (case(Webhook, Unknown, Client, unknown, No), Some((Row::D02, High))),
            (case(Pair, Sandbox, Client, Production, Yes), Some((Row::D02, Medium))),
            (case(Publishable, Live, Client, unknown, Yes), None),
            (case(Payout, Live, Log, unknown, Yes), Some((Row::D10, Critical))),
            (case(Payout, Sandbox, Log, Staging, Yes), Some((Row::D10, High))),
            (case(Secret, Live, Log, Staging, Yes), Some((Row::D11, Critical))),
            (case(Secret, Live, Log, Production, Yes), Some((Row::D12, Critical))),
            (case(Secret, Live, Log, unknown, Yes), Some((Row::D12, Critical))),
            (case(Secret, Sandbox, Log, Production, Yes), Some((Row::D13, High))),
            (case(Publishable, Sandbox, Log, Production, Yes), Some((Row::D13, Medium))),
            (case(Secret, Sandbox, Log, Staging, Yes), None),
            (case(Secret, Sandbox, Log, unknown, Yes), None),
            (case(Pair, Unknown, Log, Production, Yes), Some((Row::D14, High))),
            (case(Publishable, Live, Log, Production, Yes), None),
            (case(Secret, Live, Test, Stage::Test, Yes), Some((Row::D20, High))),
            (case(Payout, Live, Test, Stage::Test, No), Some((Row::D20, Critical))),
            (case(Secret, Live, Ci, unknown, Yes), Some((Row::D21, Critical))),
            (case(Secret, Live, Dotenv, unknown, Yes), Some((Row::D22, Critical))),
            (case(Secret, Live, Dotenv, Local, Yes), Some((Row::D22, Critical))),
            (case(Secret, Live, Template, unknown, Yes), Some((Row::D22, Critical))),
            (case(Secret, Live, Dotenv, Staging, Yes), Some((Row::D23, Critical))),
            (case(Secret, Live, Dotenv, Dev, Ignored), Some((Row::D23, High))),
            (case(Secret, Live, Config, Staging, No), Some((Row::D23, High))),
            (case(Publishable, Live, Config, Staging, Yes), Some((Row::D23, Medium))),
            (case(Publishable, Live, Doc, Staging, Yes), None),
            (case(Secret, Live, Source, Production, Yes), Some((Row::D24, High))),
            (case(Payout, Live, Source, unknown, Yes), Some((Row::D24, Critical))),
            (case(Secret, Live, Doc, unknown, Yes), Some((Row::D24, High))),
            (case(Secret, Live, Dotenv, Production, No), None),
            (case(Secret, Live, Config, unknown, Tracked::Unknown), None),
            (case(Secret, Sandbox, Config, Production, Yes), Some((Row::D30, High))),
            (case(Publishable, Sandbox, Dotenv, Production, No), Some((Row::D30, Medium))),
            (case(Secret, Sandbox, Template, Production, Yes), None),
            (case(Secret, Sandbox, Config, Staging, Yes), None),
            (case(Secret, Unknown, Config, Production, Yes), None),
            (case(Secret, Live, PlaceKind::Rules, Staging, Yes), None),
        ] {
            let found = case.row().map(|row| (row, case.severity(row, Adjust::default())));
            assert_eq!(found, expected, "{case:?}");
        }
    }

    #[test]
    fn severities_are_adjusted() {
        use Severity::{Critical, High, Medium};
        let live = case(Role::Secret, Live, PlaceKind::Config, Stage::Staging, Tracked::No);
        let funds = Adjust { moves_funds: true, ..Adjust::default() };
        let weak = Adjust { weak_place: true, ..Adjust::default() };
        assert_eq!(live.severity(Row::D23, funds), Critical);
        assert_eq!(live.severity(Row::D23, weak), Medium);
        assert_eq!(Case { parked: true, ..live }.severity(Row::D23, Adjust::default()), Medium);
        assert_eq!(Case { form: Form::Default, ..live }.severity(Row::D23, Adjust::default()), Medium);
        assert_eq!(Case { form: Form::Default, parked: true, ..live }.severity(Row::D23, weak), Severity::Notice);
        let sandbox = case(Role::Secret, Sandbox, PlaceKind::Config, Stage::Production, Tracked::Yes);
        assert_eq!(sandbox.severity(Row::D30, funds), High, "a sandbox moves no funds");
        assert_eq!(sandbox.severity(Row::D30, Adjust { test_mode: true, ..Adjust::default() }), Medium);
        let unknown = case(Role::Pair, Unknown, PlaceKind::Log, Stage::Unknown, Tracked::No);
        assert_eq!(unknown.severity(Row::D14, funds), Critical);
        assert_eq!(unknown.severity(Row::D02, funds), Critical);
        let tracked = case(Role::Secret, Live, PlaceKind::Source, Stage::Unknown, Tracked::Yes);
        assert_eq!(tracked.severity(Row::D24, funds), High, "the row says what a payout key is");
        assert_eq!(tracked.severity(Row::D20, funds), High);
    }
}
