//! The dictionaries of the environment model, entry by entry: names of files, fields of logs, prefixes that
//! are published, references, and what is no payment webhook.

use std::sync::LazyLock;

use keyfence::environment::Survey;
use keyfence::environment::declared::Declared;
use keyfence::environment::path::{Surroundings, ciphertext, kind_of, kind_with};
use keyfence::finding::{Kind, PlaceKind};
use keyfence::span::Span;

use crate::evidence;
use crate::plant::expand;

static DECLARED: LazyLock<Declared> = LazyLock::new(Declared::default);

fn survey<'a>(path: &'a str, text: &'a str) -> Survey<'a> {
    evidence::survey(&DECLARED, path, text)
}

/// The ids of all evidence for the place that is marked `@@`.
fn clues(path: &str, text: &str) -> Vec<&'static str> {
    let at = text.find("@@").unwrap();
    let situation = survey(path, text).situation(Span::new(at, at + 2));
    situation.scopes.iter().flat_map(|scope| &scope.clues).map(|clue| clue.id).collect()
}

/// The kinds of all findings in a file.
fn kinds(path: &str, text: &str) -> Vec<Kind> {
    let judgement = evidence::judged(&survey(path, text), text);
    // An advisory that nobody sees who did not ask for it.
    let kinds = judgement.outcomes.iter().map(|outcome| outcome.kind);
    kinds.filter(|kind| *kind != Kind::ReferenceEnvironmentMismatch).collect()
}

#[test]
fn every_field_of_a_log() {
    let fields: [(&str, &str); 5] = [
        (
            "P10",
            "env environment env_name environment_name app_env appenv node_env rails_env deploy_env deployment_env \
             deployment.environment deployment.environment.name deployment_environment service.environment stage tier realm \
             dd.env dd_env sentry.environment aspnetcore_environment spring_profile profile APP-ENV",
        ),
        (
            "P13",
            "kubernetes.namespace_name kubernetes.namespace k8s.namespace.name namespace_name resource.labels.namespace_name \
             service.namespace",
        ),
        ("P15", "host hostname HOSTNAME host.name server_name source_host fqdn beat.hostname agent.hostname"),
        ("P14", "logGroup log_group aws.log_group logStream log_stream resourceGroup resourceId project_id logName functionName"),
        ("P16", "service service.name app app_name application logger.name container_name container.name"),
    ];
    for (id, names) in fields {
        for name in names.split_ascii_whitespace() {
            let flat = format!("{{\"{name}\":\"production\",\"msg\":\"@@\"}}\n");
            assert!(clues("a.log", &flat).contains(&id), "{flat}");
            let (open, close) = (name.replace('.', "\":{\""), "}".repeat(name.matches('.').count()));
            let nested = format!("{{\"{open}\":\"production\"{close},\"msg\":\"@@\"}}\n");
            assert!(clues("a.log", &nested).contains(&id), "{nested}");
        }
    }
}

#[test]
fn every_container_of_fields() {
    let holders = "context ctx extra record.extra fields @fields tags labels attributes resource resource.attributes \
                   resourceAttributes mdc contextMap properties metadata kubernetes host service dd ecs log _source";
    for holder in holders.split_ascii_whitespace() {
        let (open, close) = (holder.replace('.', "\":{\""), "}".repeat(holder.matches('.').count()));
        let text = format!("{{\"{open}\":{{\"environment\":\"production\"}}{close},\"msg\":\"@@\"}}\n");
        assert!(clues("a.log", &text).iter().any(|id| matches!(*id, "P10" | "P12")), "{text}");
    }
    for business in "payload body request response data params headers event evt receipt message".split_ascii_whitespace() {
        let text = format!("{{\"{business}\":{{\"environment\":\"production\"}},\"msg\":\"@@\"}}\n");
        assert!(clues("a.log", &text).is_empty(), "{text}");
    }
    for word in ["stage", "profile", "tier", "realm"] {
        let text = format!("{{\"{word}\":\"gold\",\"msg\":\"@@\"}}\n");
        assert!(clues("a.log", &text).is_empty(), "{text}");
    }
}

#[test]
fn every_public_prefix() {
    let survey = survey("src/pay.ts", "");
    for prefix in "NEXT_PUBLIC_ VITE_ REACT_APP_ EXPO_PUBLIC_ NUXT_PUBLIC_ PUBLIC_ GATSBY_ VUE_APP_ NG_APP_ STORYBOOK_ PARCEL_ \
                   RAZZLE_ SNOWPACK_PUBLIC_ BUN_PUBLIC_ REACT_NATIVE_ QUASAR_ DOCUSAURUS_ MIX_ PUBLIC_ENV__"
        .split_ascii_whitespace()
    {
        let name = format!("{prefix}STRIPE_SECRET_KEY");
        assert!(survey.has_public_prefix(name.as_bytes()), "{name}");
        assert_eq!(kinds("server/x.js", &format!("const k = process.env.{name}\n")), [Kind::SecretVariableMadePublic], "{name}");
    }
    assert!(!survey.has_public_prefix(b"NEXT_PRIVATE_STRIPE_SECRET_KEY") && !survey.has_public_prefix(b"PUBLICATION"));
}

#[test]
fn every_configuration_that_inlines() {
    for (path, text) in [
        ("next.config.js", "module.exports = { env: { STRIPE_SECRET_KEY: process.env.X } }\n"),
        ("vite.config.ts", "export default { define: { STRIPE_SECRET_KEY: process.env.X } }\n"),
        ("webpack.config.js", "module.exports = { plugins: [new DefinePlugin({ STRIPE_SECRET_KEY: process.env.X })] }\n"),
        ("webpack.prod.js", "module.exports = { plugins: [new webpack.EnvironmentPlugin({ STRIPE_SECRET_KEY: '' })] }\n"),
        ("esbuild.mjs", "build({ define: { 'process.env.STRIPE_SECRET_KEY': process.env.X } })\n"),
        ("rollup.config.js", "export default { plugins: [replace({ define: { STRIPE_SECRET_KEY: process.env.X } })] }\n"),
        ("nuxt.config.ts", "export default { runtimeConfig: { public: { stripeSecretKey: process.env.X } } }\n"),
        ("app.config.js", "export default { extra: { stripeSecretKey: process.env.X } }\n"),
        ("src/environments/environment.prod.ts", "export const environment = { stripeSecretKey: process.env.X }\n"),
    ] {
        assert_eq!(survey(path, text).inlined().len(), 1, "{path}");
    }
}

/// Names of files, by what sort of place each is.
const PLACES: [(PlaceKind, &str); 11] = [
    (PlaceKind::Dotenv, ".env .env.staging .env.staging.local prod.env .prod.env .envrc .flaskenv .dev.vars"),
    (
        PlaceKind::Config,
        "config/production.json config/production.js config/production.ts config/production.yaml env.production.js \
             src/environments/environment.prod.ts nuxt.config.ts next.config.js vite.config.ts vercel.json netlify.toml \
             application-prod.yml application-prod.properties appsettings.Production.json web.Release.config launchSettings.json \
             config/environments/production.rb config/application.yml settings/production.py settings_production.py \
             config/production.toml config/production.ini config/payments.php wp-config-production.php app/etc/env.php \
             config.production.yaml config/deployments/production.toml",
    ),
    (
        PlaceKind::Config,
        "config/prod.exs config/runtime.exs docker-compose.prod.yml compose.prod.yaml overlays/prod/x.yaml \
             environments/prod/x.yaml clusters/prod/x.yaml values-prod.yaml values.prod.yaml helmfile.d/x.yaml prod.tfvars \
             prod.auto.tfvars envs/prod/main.tf live/prod/terragrunt.hcl inventories/prod/hosts.yml group_vars/prod.yml \
             serverless.yml wrangler.toml fly.production.toml app.production.yaml render.yaml samconfig.toml taskdef-prod.json",
    ),
    (
        PlaceKind::Ci,
        ".github/workflows/x.yml .gitlab-ci.yml .circleci/config.yml Jenkinsfile azure-pipelines.yml \
             bitbucket-pipelines.yml buildkite.yml .buildkite/pipeline.yml .travis.yml .drone.yml cloudbuild.prod.yaml",
    ),
    (
        PlaceKind::Config,
        "eas.json x.gradle x.dart-defines.json docs/x.postman_environment.json docs/x.postman_collection.json \
             http-client.env.json Insomnia-export.json environments/prod.bru pay.service supervisord.conf ecosystem.config.js \
             Procfile etc/pay/production.conf",
    ),
    (
        PlaceKind::Test,
        "test/x.js tests/x.js __tests__/x.js spec/x.js specs/x.js e2e/x.js cypress/x.js playwright/x.js fixtures/x.json \
             __fixtures__/x.json testdata/x.json cassettes/x.yml mocks/x.js __mocks__/x.js features/x.feature x.test.js x.spec.ts \
             pay_test.go test_pay.py PayTest.java pay_spec.rb cypress.env.json .env.test .env.testing .env.ci .env.e2e",
    ),
    (PlaceKind::Doc, "x.md x.mdx x.rst x.adoc docs/x.json README README.txt CHANGELOG openapi.yaml swagger.json"),
    (
        PlaceKind::Template,
        ".env.example .env.sample x.template.yml x.tmpl.yml x.tpl.yml phpunit.xml.dist values.defaults.yaml app.skel.yml",
    ),
    (PlaceKind::Ciphertext, "config/credentials/production.yml.enc secrets.sops.yaml key.age key.gpg"),
    (
        PlaceKind::Source,
        "api/x.tsx server/x.tsx functions/x.tsx supabase/functions/x.tsx netlify/functions/x.jsx workers/x.tsx services/x.tsx \
             backend/x.tsx app/api/pay/route.tsx pages/api/pay.tsx src/routes/+server.ts src/routes/+page.server.ts \
             hooks.server.ts src/$lib/server/x.svelte x.server.tsx middleware.ts lib/shop_web/live/pay.ex",
    ),
    (
        PlaceKind::Client,
        "dist/x.js build/static/x.js .next/static/x.map public/x.html static/x.js assets/x.js www/x.html x.html x.tsx x.jsx \
             x.vue x.svelte android/app/src/main/res/values/x.xml AndroidManifest.xml google-services.json \
             android/app/src/Pay.kt ios/Pay.swift Info.plist Prod.xcconfig app.json",
    ),
];

#[test]
fn every_name_of_a_place() {
    use PlaceKind::{Ciphertext, Client};
    for (kind, paths) in PLACES {
        for path in paths.split_ascii_whitespace() {
            assert_eq!(kind_of(path, &DECLARED), kind, "{path}");
        }
    }
    let front = Surroundings { front_end: true, ..Surroundings::default() };
    assert_eq!(kind_with("src/pay.ts", &DECLARED, front), Client);
    for head in
        ["\0GITCRYPT\0x", "$ANSIBLE_VAULT;1.1;AES256\n", "-----BEGIN AGE ENCRYPTED FILE-----\n", "age-encryption.org/v1\n"]
    {
        assert_eq!(ciphertext(head.as_bytes()), Some(Ciphertext), "{head:?}");
    }
}

#[test]
fn every_reference() {
    for reference in [
        "${X}",
        "$X",
        "${X:?missing}",
        "%X%",
        "$(X)",
        "{{ x.y }}",
        "<%= ENV['X'] %>",
        "process.env.X",
        "import.meta.env.X",
        "os.environ['X']",
        "os.getenv('X')",
        "ENV.fetch('X')",
        "env('X')",
        "System.getenv(\"X\")",
        "Deno.env.get('X')",
        "config('services.stripe.secret')",
        "!Ref StripeSecret",
        "Fn::GetAtt",
        "/run/secrets/stripe",
        "vault:pay/stripe#key",
        "op://pay/stripe/key",
        "keychain://stripe/key",
        "arn:aws:secretsmanager:eu-west-1:1:secret:stripe",
        "arn:aws:ssm:eu-west-1:1:parameter/stripe",
        "{{resolve:secretsmanager:stripe}}",
        "ssm:/pay/stripe",
        "projects/1/secrets/stripe",
        "sm://pay/stripe",
        "@Microsoft.KeyVault(SecretUri=x)",
        "doppler://pay/stripe",
        "infisical://pay/stripe",
        "akv://pay/stripe",
        "ref+vault://pay/stripe",
        "${{ secrets.STRIPE_LIVE }}",
        "${{ vars.STRIPE_LIVE }}",
        "${self:custom.stripe}",
        "${file(secrets.yml):stripe}",
        "random_password.stripe.result",
        "var.stripe_key",
        "data.vault_generic_secret.stripe",
    ] {
        for path in [".env.staging", "deploy/values-staging.yaml"] {
            let text = format!("STRIPE_SECRET_KEY{}{reference}\n", if path == ".env.staging" { "=" } else { ": " });
            assert!(kinds(path, &text).is_empty(), "{text}");
        }
    }
    for block in [
        "valueFrom:\n      secretKeyRef:\n        name: stripe\n        key: live",
        "fromDatabase:\n      name: stripe\n      property: key",
        "sync: false",
    ] {
        let text = format!("env:\n  - name: STRIPE_SECRET_KEY\n    {block}\n");
        assert!(kinds("deploy/values-staging.yaml", &text).is_empty(), "{text}");
    }
    let default = expand("STRIPE_SECRET_KEY=${{X:-sk_live_{base62:24}}}\n", "default");
    assert_eq!(kinds(".env.staging", &default), [Kind::LiveKeyInNonproduction], "the literal is judged");
}

#[test]
fn every_hook_that_is_none_of_payments() {
    assert_eq!(kinds("config/a.yml", "payments:\n  webhook_url: http://hooks.shop.example/x\n"), [Kind::InsecureWebhookEndpoint]);
    for word in "slack discord teams github gitlab n8n zapier alert uptime pagerduty sentry telegram".split_ascii_whitespace() {
        for text in [
            format!("payments:\n  {word}_webhook_url: http://hooks.shop.example/x\n"),
            format!("payments:\n  webhook_url: http://{word}.shop.example/x\n"),
        ] {
            assert!(kinds("config/a.yml", &text).is_empty(), "{text}");
        }
    }
}

/// A module that says so runs on the server, wherever it stands.
#[test]
fn a_module_for_the_server() {
    let expected = Kind::SecretKeyExposedToClient;
    for (head, exposed) in [
        ("", true),
        ("\"use server\";\n", false),
        ("// Payments\n'use server'\n", false),
        ("/* Payments,\n   on the server */\n\n\"use server\"\n", false),
        ("\"use client\";\n", true),
        ("const a = 1;\n'use server'\n", true),
    ] {
        let text = expand("const key = 'sk_live_{base62:24}';\n", head);
        assert_eq!(kinds("app/Pay.tsx", &format!("{head}{text}")).contains(&expected), exposed, "{head}");
    }
}
