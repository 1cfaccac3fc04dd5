//! What goes in comes out, but for the secrets.

use super::{key, redacted, settings, stream, stream_in};
use crate::plant::{Tree, expand};
use keyfence::stream::Settings;

#[test]
fn case_01_empty_input() {
    let tree = Tree::new();
    let run = stream_in(&tree, &["stream", "--redact", "--metrics-file", "m.prom"], "");
    assert_eq!((run.code(), run.out().as_str(), run.stderr.as_str()), (Some(0), "", ""));
    let metrics = std::fs::read_to_string(tree.path().join("m.prom")).unwrap();
    assert!(metrics.contains("keyfence_lines_total 0\n"), "{metrics}");
}

#[test]
fn case_02_a_clean_log_goes_through() {
    // A gigabyte, its speed and its memory: full.rs.
    let record = |n: usize| format!("2026-03-12T09:11:07Z INFO n={n} GET /v1/invoices/{} 200 \"env\":\"prod\"\n", n * 7919);
    let log: String = (0..100_000).map(record).collect();
    let run = stream(&["stream", "--redact"], log.clone());
    assert_eq!((run.code(), run.out() == log, run.stderr.as_str()), (Some(0), true, ""));
}

#[test]
fn case_03_without_redaction_only_alerts_are_written() {
    let key = key("3");
    let run = stream(&["stream"], format!("a={key}\n"));
    assert_eq!((run.code(), run.out().as_str(), run.alerts().len()), (Some(0), "", 1));
    assert_eq!(run.alerts()[0]["redacted"], false);
    run.keeps(&key);
}

#[test]
fn case_04_only_the_key_is_replaced() {
    let key = key("4");
    let run = stream(&["stream", "--redact"], format!("before a={key} after\n"));
    assert_eq!(run.out(), "before a=[REDACTED:standard-api-key] after\n");
    assert_eq!((run.code(), run.alerts().len()), (Some(0), 1));
    run.keeps(&key);
}

#[test]
fn case_05_and_06_fail_on() {
    let run = stream(&["stream", "--fail-on", "high"], format!("a={}\n", key("5")));
    assert_eq!((run.code(), run.alerts().len()), (Some(1), 1));
    let run = stream(&["stream", "--fail-on", "high"], "nothing here\n");
    assert_eq!((run.code(), run.stderr.as_str()), (Some(0), ""));
}

/// The output where each key, told by its seed, is replaced.
fn replaced(input: &[u8], key: &str) {
    let out = redacted(input);
    let mask = out.text();
    let start = mask.find("[REDACTED:").unwrap_or_else(|| panic!("not redacted: {mask:?}"));
    let end = start + mask[start..].find(']').unwrap() + 1;
    let expected = String::from_utf8_lossy(input).replace(key, &mask[start..end]);
    assert_eq!(mask, expected);
    assert_eq!(out.alerts.len(), 1);
}

#[test]
fn case_07_to_11_line_ends_and_hostile_bytes_stay() {
    let key = key("7");
    for input in [
        format!("last words {key}"),
        format!("a\r\nb {key}\r\nc\r\n"),
        format!("a\rb\x0b{key}\x0c\u{85}\u{2028}c\n"),
        format!("\0\0{key}\0\n"),
    ] {
        replaced(input.as_bytes(), &key);
    }
    replaced(&[b"\xff\xfe\xfd ", key.as_bytes(), b"\xff\x80 \xc3\n"].concat(), &key);
    let out = redacted(format!("a\rb\u{85}\n{key}\n"));
    assert_eq!(out.alerts[0]["line"], 2, "only a line feed ends a line");
}

#[test]
fn case_13_utf_16_is_replaced_as_utf_16() {
    for wide in [u16::to_le_bytes, u16::to_be_bytes] {
        let key = key("13");
        let text = format!("\u{feff}Headers : x-api-key={key}\r\nDone.\r\n");
        let input: Vec<u8> = text.encode_utf16().flat_map(wide).collect();
        let out = redacted(&input).out;
        let units = out.chunks_exact(2).map(|pair| {
            if wide(1)[0] == 1 { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
        });
        let out = String::from_utf16(&units.collect::<Vec<_>>()).unwrap();
        assert!(out.starts_with("\u{feff}Headers : x-api-key=[REDACTED:standard-api-key"), "{out:?}");
        assert!(out.ends_with("]\r\nDone.\r\n"), "{out:?}");
    }
}

#[test]
fn case_18_a_letter_that_belongs_to_an_escape() {
    for glue in ["%3D", "\\n", "\\u003d", "\x1b[32m", "#033[32m", "&#x3d;"] {
        let out = redacted(format!("2026-03-12 x{glue}{}\n", key("18")));
        assert_eq!((out.alerts.len(), out.redactions()), (1, 1), "{glue:?}: {}", out.text());
    }
}

#[test]
fn case_19_words_that_end_like_a_prefix() {
    for word in ["disk_live_", "task_live_", "network_live_"] {
        let line = format!("gauge {word}{}=48\n", expand("{base62:26}", word));
        assert_eq!(redacted(&line).text(), line);
    }
}

#[test]
fn case_20_whatever_follows_a_key() {
    let key = expand("sk_live_{hex:40}", "20");
    let followers = (0x20..0x7F).chain([0x1B, 0, 0x80, 0xFF]);
    for follower in followers {
        let line = [b"a=", key.as_bytes(), &[follower], b"\n"].concat();
        let out = redacted(&line);
        if follower.is_ascii_alphanumeric() {
            // Another key, or none; never a part of one.
            let whole = out.out == line || out.text().ends_with("]\n");
            assert!(whole, "{follower:#x}: {}", out.text());
        } else {
            let mask = out.text();
            assert!(mask.starts_with("a=[REDACTED:standard-api-key"), "{follower:#x}: {mask}");
            assert!(out.out.ends_with(&[b']', follower, b'\n']), "{follower:#x}: {mask}");
        }
    }
}

#[test]
fn case_21_masked_keys_are_silent() {
    let tail = expand("{base62:4}", "21");
    for masked in [
        "sk_live_************************".to_owned(),
        format!("sk_live_{}", "x".repeat(24)),
        format!("sk_live_{}", "X".repeat(24)),
        "sk_live_••••••••••••••••".to_owned(),
        "sk_live_...".to_owned(),
        "sk_live_…".to_owned(),
        format!("sk_live_****************{tail}"),
        format!("sk_live_51{tail}...{tail}"),
        format!("sk_live_{tail}…(32)"),
        "sk_live_[REDACTED]".to_owned(),
        "sk_live_<redacted>".to_owned(),
        "sk_live_{{KEY}}".to_owned(),
        "sk_live_${KEY}".to_owned(),
        "sk_live_########################".to_owned(),
        format!("sk_live_{}", "0".repeat(24)),
        "[secure]".to_owned(),
        "[Filtered]".to_owned(),
        "[FILTERED]".to_owned(),
        "********".to_owned(),
    ] {
        let line = format!("2026-03-12 auth x-api-key: {masked} ok\n");
        let out = redacted(&line);
        assert_eq!((out.text(), out.alerts.len()), (line, 0));
    }
}

#[test]
fn case_23_what_looks_random_and_is_no_secret() {
    for line in [
        "Stripe-Signature: t=1704412125,v1={hex:64}",
        "x-signature: sha256={hex:64}",
        "Idempotency-Key: {uuid4}",
        "traceparent: 00-{hex:32}-{hex:16}-01",
        "wallet 0x{hex:40} tx 0x{hex:64}",
        "to bc1q{lower:38} signature={base58:88} block={hex:64}",
        "X-Amzn-Trace-Id: Root=1-{hex:8}-{hex:24} dd.trace_id={digit:19} span_id={hex:16}",
        "x-request-id: {uuid4} correlation_id={uuid4} idempotency_key={uuid4}",
        "X-Hub-Signature-256: sha256={hex:64} Digest: SHA-256={base64:43}=",
    ] {
        let line = expand(line, "23");
        let out = redacted(&line);
        assert_eq!((out.text(), out.alerts.len()), (line, 0));
    }
}

#[test]
fn case_24_of_three_uuids_the_secret() {
    let dump =
        expand("> Host: api.payca.vc\n> x-client-id: {uuid4}\n> x-client-secret: {uuid4}\n> x-request-id: {uuid4}\n", "24");
    let out = redacted(&dump);
    let lines: Vec<String> = out.text().lines().map(str::to_owned).collect();
    let before: Vec<&str> = dump.lines().collect();
    assert_eq!([lines[1].as_str(), lines[3].as_str()], [before[1], before[3]]);
    assert!(lines[2].starts_with("> x-client-secret: [REDACTED:client-secret"), "{}", lines[2]);
    assert_eq!(out.alerts.len(), 1);
    // The name alone is enough, before anything says whose it is.
    let alone = expand("x-client-secret: {uuid4}\n", "24");
    assert_eq!(redacted(&alone).redactions(), 1);
}

#[test]
fn case_25_a_publishable_prefix_is_a_secret_at_one_provider() {
    let line = expand("POST https://api.paychainhq.io/v1 x-api-key: pk_live_{base62:24}\n", "25");
    assert_eq!(redacted(&line).alerts.len(), 1);
    let line = expand("https://js.stripe.com/v3 Stripe('pk_live_{base62:24}')\n", "25");
    let out = redacted(&line);
    assert_eq!((out.text(), out.alerts.len()), (line, 0));
}

#[test]
fn what_is_public_at_one_provider_hides_no_secret_of_another() {
    // A name that both use, a shape that both have: the provider on the line before calls it an id.
    let before = "iyzipay.uri = \"https://api.iyzipay.com\"\n";
    let line = expand("curl https://portal.payrix.com/ -H 'apikey: {hex:32}'\n", "public");
    let out = redacted(format!("{before}{line}"));
    assert!(out.text().starts_with(before) && out.redactions() == 1, "{}", out.text());
}

#[test]
fn case_25_a_publishable_key_in_doubt_is_a_secret() {
    // Both providers are named near: on other lines, one on the line of the key, as code and as a record.
    for doubtful in [
        "GET https://api.stripe.com/v1\nimport {{ PayChain }} from \"@paychainhq/sdk\"\nnew PayChain({{ apiKey: \"«\" }})\n",
        "POST https://api.paychainhq.io/api/v1\nfallback https://api.stripe.com/v1 key=« tried\n",
        "paychain: retry\n\n{{\"upstream\":\"api.stripe.com\",\"key\":\"«\"}}\n",
    ] {
        let log = expand(&doubtful.replace('«', "pk_live_{base62:24}"), "25");
        let out = redacted(&log);
        assert_eq!((out.redactions(), out.alerts.len()), (1, 1), "{}", out.text());
        let alert = out.alerts[0].to_string();
        assert!(alert.contains("paychain") && alert.contains("stripe"), "whose it is stays open: {alert}");
    }
    // What says whose it is, or that it is public, leaves no doubt.
    for public in [
        "Stripe('pk_live_{base62:24}')",
        "loadStripe(\"pk_live_{base62:24}\")",
        "STRIPE_KEY=pk_live_{base62:24}",
        "https://js.stripe.com publishableKey: 'pk_live_{base62:24}'",
        "https://api.stripe.com key=pk_live_{stripe99}",
    ] {
        let log = expand(&format!("POST https://api.paychainhq.io/api/v1\n{public}\n"), "25");
        assert_eq!(redacted(&log).text(), log);
    }
}

#[test]
fn what_a_neighbour_calls_public_hides_no_key_of_a_shape() {
    // `apiKey` beside Helio is a public one; these have shapes of their own.
    for line in [
        "hyperswitch api-key: prd_{base62:64}",
        "curl https://api.hyperswitch.io/ -H 'api-key: snd_{base62:64}'",
        "apiKey=sk_live_{base62:24}",
        "apiKey=sk_live_{base62:47}",
        "\"apiKey\":\"FLWSECK-{hex:32}-X\"",
    ] {
        let log = expand(&format!("GET https://api.hel.io/v1/paylink\n{line}\n"), "hearsay");
        assert_eq!(redacted(&log).redactions(), 1, "{}", redacted(&log).text());
    }
    let public = expand("GET https://api.hel.io/v1/paylink?apiKey={base62:48}\n", "hearsay");
    assert_eq!(redacted(&public).text(), public);
}

/// Opaque secrets in every notation that programs print them in; the ids beside them stay.
#[test]
fn opaque_secrets_are_found_in_every_notation() {
    for template in [
        "GET /cb?client_secret=«{base62:40}»&state={base62:24}&request_id={uuid4} HTTP/1.1",
        "body: a=1&client_secret=«{uuid4}»&client_id={uuid4}",
        "body: a%3D1%26client_secret%3D«{base62:40}»%26scope%3Dx",
        "level=info client_secret=«{base62:40}» client_id={uuid4} trace_id={hex:32}",
        "{{client_secret=«{base62:40}», grant_type=client_credentials, request_id={uuid4}}}",
        "PaycaProperties(clientId={uuid4}, clientSecret=«{uuid4}», timeout=PT3S)",
        "{{Name:x ClientID:{uuid4} ClientSecret:«{uuid4}» TraceID:{hex:32}}}",
        "Sending {{ ClientId = {uuid4}, ClientSecret = «{base62:40}» }} to https://api.payca.vc",
        "#<Pay @opts={{:secret=>\"«{base62:40}»\", :id=>\"{uuid4}\"}}>",
        "#<Pay client_secret: \"«{base62:40}»\", request_id: \"{uuid4}\">",
        "{{:client-secret \"«{base62:40}»\", :client-id \"{uuid4}\"}}",
        "[{{client_secret,<<\"«{base62:40}»\">>}},{{id,<<\"{uuid4}\">>}}]",
        "array(2) {{\n  [\"client_secret\"]=>\n  string(40) \"«{base62:40}»\"\n  [\"id\"]=>\n  string(36) \"{uuid4}\"\n}}",
        "cfg={{'client_id': '{uuid4}', 'client_secret': '«{uuid4}»', 'trace_id': '{hex:32}'}}",
        "map[X-Client-Secret:[«{uuid4}»] X-Request-Id:[{uuid4}]]",
        "auth=('rzp_live_{base62:14}', '«{base62:40}»') id={uuid4}",
        "client_secret: >-\n  «{uuid4}»\nclient_id: {uuid4}",
        "x-client-secret: «{HEX:8}-{HEX:4}-4{HEX:3}-A{HEX:3}-{HEX:12}»",
        "Server=tcp:db.acme.example;User ID=pay;Password=«{base62:24}»;Encrypt=True;",
        "\u{1b}[3mclient_secret\u{1b}[0m\u{1b}[2m=\u{1b}[0m«{uuid4}» \u{1b}[3mid\u{1b}[0m={uuid4}",
        "UPDATE gateways SET client_secret = '«{base62:40}»' WHERE id='{uuid4}'",
        // At the end of a line that begins with something else.
        "level=info client_id={uuid4} client_secret=«{base62:40}»",
        "2026-11-22T10:11:12Z stdout F PAYPAL_CLIENT_SECRET=«{base62:40}»",
        "D/OkHttp: X-App-Key: «{base62:40}»\nD/OkHttp: X-Request-Id: {uuid4}",
        "> x-app-key: «{base62:40}»\r\n> x-request-id: {uuid4}\r",
        "Array\n(\n    [client_secret] => «{base62:40}»\n    [client_id] => {base62:24}\n)",
        "        - name: PAYPAL_CLIENT_SECRET\n          value: «{base62:40}»\n        - name: GIT_SHA\n          value: {hex:40}",
        "PayPal:ClientSecret=«{base62:40}» (EnvironmentVariablesConfigurationProvider)",
        "<clientId>{uuid4}</clientId><clientSecret>«{base62:40}»</clientSecret>",
        " ClientSecret: (string) (len=40) \"«{base62:40}»\",\n TraceID: (string) (len=32) \"{hex:32}\"",
        "\"HSET\" \"gw:1\" \"client_secret\" \"«{base62:40}»\" \"client_id\" \"{uuid4}\"",
        "Map(client_secret -> «{base62:40}», client_id -> {uuid4})",
        "INSERT INTO gateways VALUES ($1, $2)  [[\"client_secret\", \"«{base62:40}»\"], [\"trace\", \"{hex:32}\"]]",
        "INFO|client_id|{uuid4}|client_secret|«{base62:40}»|trace|{hex:32}",
        "client_secret::«{base62:40}» trace::{hex:32} request::{uuid4}",
        "x-client-secret: {{«{uuid4}»}}, x-request-id: {{{uuid4}}}",
        "{{\"message\":\"{{\\\"headers\\\":{{\\\"x-client-secret\\\":\\\"«{uuid4}»\\\",\\\"x-request-id\\\":\\\"{uuid4}\\\"}}}}\"}}",
    ] {
        let log = format!("{}\n", expand(template, template));
        let (before, rest) = log.split_once('«').unwrap();
        let (secret, behind) = rest.split_once('»').unwrap();
        let shown = redacted(format!("{before}{secret}{behind}")).text();
        assert!(shown.starts_with(before) && shown.ends_with(behind) && shown.matches("[REDACTED:").count() == 1, "{shown}");
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Ids, hashes, signatures and the names that sound like secrets.
#[test]
fn ids_and_hashes_stay_whatever_they_are_called() {
    for template in [
        "session_id={base62:32} csrf_token={base62:64} etag=W/\"{hex:32}\" x-b3-traceid: {hex:32} cf-ray: {hex:16}-AMS",
        "cache key=user:{uuid4}:profile key_id={uuid4} partition_key={hex:32} sort_key={base62:26} cache_key=deps-{hex:64}",
        "deploy commit {hex:40} image sha256:{hex:64} build {uuid4} md5={hex:32} topic=pay key={uuid4} value={hex:64}",
        "signature={hex:64} sig=\"{base64:86}==\" nonce={hex:32} digest=SHA-256={base64:43}= public_key={base64:43}=",
        "{{\"page_token\":\"{base64url:40}\",\"next_token\":\"{base64url:60}\",\"device_token\":\"{hex:64}\",\"max_tokens\":1000}}",
        "{{\"secretName\":\"projects/p/secrets/stripe/versions/3\",\"kmsKeyId\":\"arn:aws:kms:eu-west-1:123456789012:key/{uuid4}\"}}",
        "https://b.s3.example/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={hex:64}&X-Amz-SignedHeaders=host",
        "REPORT RequestId: {uuid4}\tDuration: 3 ms\tXRAY TraceId: 1-{hex:8}-{hex:24}\tSegmentId: {hex:16}",
        "client_reference_id={base62:24} idempotency_key={uuid4} fingerprint={base62:16} payment_method=pm_1{base62:23}",
        "api_key_id={uuid4} secret_version_id={uuid4} dedupe_key={hex:40}",
        "> x-request-id: {uuid4}\n> x-cache-key: {hex:64}\n> x-csrf-token: {base62:40}",
        "secretKeyRef: stripe-secret-key-v2-production-eu-west-1",
        "[\"client_secret\", \"client_id\"] [\"api_key\", \"publishable_key\", \"{base62:40}\"]",
        "Bean 'stripeSecretKeyResolver' secret_key: StripeSecretKeyResolver2Factory",
        "use auth::token::JsonWebKeySet2048; secret|password|token|privateKey1234567 key|{hex:32}|{uuid4}",
        "Settings(client_secret=SecretStr('**********'), token=None, api_key=self.settings.api_key, secret=load_secret(name))",
    ] {
        let log = format!("{}\n", expand(template, template));
        let out = redacted(&log);
        assert_eq!((out.text(), out.alerts.len()), (log, 0));
    }
}

#[test]
fn case_26_three_keys_on_a_line() {
    let keys = ["a", "b", "c"].map(key);
    let out = redacted(format!("1 {} 2 {} 3 {} 4\n", keys[0], keys[1], keys[2]));
    let columns: Vec<u64> = out.alerts.iter().map(|alert| alert["column"].as_u64().unwrap()).collect();
    assert_eq!(columns, [3, 38, 73]);
    let text = regex::Regex::new(r"\[REDACTED:standard-api-key:[0-9a-f]{8}\]").unwrap();
    assert_eq!(text.replace_all(&out.text(), "K"), "1 K 2 K 3 K 4\n");
}

#[test]
fn case_27_basic_authorisation() {
    let line = expand("authorization: Basic {base64of:sk_live_{base62:24}:}\n", "27");
    let out = redacted(&line);
    assert_eq!(out.alerts[0]["view"], "base64");
    let text = out.text();
    assert!(text.starts_with("authorization: Basic [REDACTED:standard-api-key:") && text.ends_with("]\n"), "{text}");
    // Whatever stands behind the key, to its last digit: nothing, a colon, the end of a line, and their padding.
    for template in ["{base64of:sk_live_{base62:24}}", "{base64of:sk_live_{base62:40}:}"] {
        let text = redacted(format!("data: {}\n", expand(template, template))).text();
        assert!(text.starts_with("data: [REDACTED:") && text.ends_with("]\n") && text.len() < 50, "{text}");
    }
    // The pair of an opaque secret: its id may stay.
    let pair = expand("Host: api.payca.vc\nauthorization: Basic {base64of:{uuid4}:{uuid4}}\n", "27");
    assert_eq!(redacted(&pair).redactions(), 1, "{}", redacted(&pair).text());
}

#[test]
fn case_28_json_stays_json_at_every_level() {
    let inner = serde_json::json!({"secret": key("28"), "n": 36}).to_string();
    let middle = serde_json::json!({ "message": inner }).to_string();
    let outer = format!("{}\n", serde_json::json!({ "log": middle }));
    let out = redacted(&outer).text();
    let level =
        |text: &str, key: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()[key].as_str().unwrap().to_owned();
    let secret = level(&level(&level(&out, "log"), "message"), "secret");
    assert!(secret.starts_with("[REDACTED:"), "{secret}");
}

#[test]
fn a_secret_is_known_by_its_name_seven_levels_of_json_deep() {
    let secrets = ["{uuid4}", "{base62:40}", "{hex:64}"].map(|template| expand(template, "levels"));
    for (name, secret) in ["x-client-secret", "PAYOUT_API_SECRET", "clientSecret"].iter().zip(&secrets) {
        let mut text = serde_json::json!({*name: secret, "n": 36}).to_string();
        for level in 1..=7 {
            let ran = redacted(format!("{text}\n"));
            assert!(!ran.text().contains(secret.as_str()) && ran.redactions() == 1, "{level}: {}", ran.text());
            let mut out = serde_json::from_str::<serde_json::Value>(&ran.text()).unwrap();
            (1..level).for_each(|_| out = serde_json::from_str(out["message"].as_str().unwrap()).unwrap());
            assert!(out[*name].as_str().unwrap().starts_with("[REDACTED:"), "{level}: {out}");
            text = serde_json::json!({"level": "warn", "message": text}).to_string();
        }
    }
}

#[test]
fn case_29_an_underscore_in_many_disguises() {
    let body = expand("{base62:24}", "29");
    for underscore in ["\\u005f", "\\\\u005f", "%5F", "%255F", "\\x5f", "\\137", "&#x5F;"] {
        let line = format!("a=\"sk{underscore}live{underscore}{body}\" b\n");
        let out = redacted(&line).text();
        assert!(out.starts_with("a=\"[REDACTED:standard-api-key") && out.ends_with("]\" b\n"), "{underscore}: {out}");
    }
}

#[test]
fn case_38_a_line_without_an_end_in_bounded_memory() {
    // Ten gibibytes, and the memory: full.rs.
    let key = key("38");
    let settings = Settings { max_line: 64 * 1024, ..settings() };
    let filler = b"lorem ipsum dolor sit amet ".repeat(100_000);
    let input = [&filler[..], key.as_bytes(), b" ", &filler[..]].concat();
    let out = super::ran("lines", settings, input.chunks(64 * 1024));
    assert_eq!(out.redactions(), 1);
    assert!(out.out.starts_with(&filler) && out.out.ends_with(&filler));
}

#[test]
fn case_39_a_long_json_line() {
    let key = key("39");
    let line = format!("{{\"text\":\"{}\",\"api_key\":\"{key}\",\"z\":1}}\n", "lorem ipsum ".repeat(250_000));
    replaced(line.as_bytes(), &key);
}

#[test]
fn case_40_hostile_lines_go_through() {
    let nested = ["{base64of:{base64of:{base64of:{base64of:{print:40}}}}}"].map(|text| expand(text, "40"))[0].clone();
    // The last ones say something of environments with every word.
    for unit in [
        "sk_live_",
        "[[[[",
        "%25",
        "\\\\",
        "&#x26;",
        nested.as_str(),
        "-----BEGIN PRIVATE KEY-----",
        "environment ",
        "profile=",
        "env=prod api.sandbox.payca.io 4242424242424242 ",
    ] {
        let seconds = |length: usize| {
            let line = format!("{}\n", unit.repeat(length / unit.len()));
            let started = std::time::Instant::now();
            let out = redacted(&line);
            assert!(out.redactions() > 0 || out.out == line.as_bytes(), "{unit}");
            started.elapsed().as_secs_f64()
        };
        let (short, long) = (seconds(64 * 1024), seconds(1024 * 1024));
        // Sixteen times as long, on a machine that does other things, too.
        assert!(long < 64.0 * short + 2.0, "{unit}: {short} s, then {long} s");
    }
}

/// A record with gzip in base64, of so many members with sixteen mebibytes of zeros each.
pub(super) fn bomb(members: usize) -> String {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    let bytes = encoder.finish().unwrap().repeat(members);
    format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}\n", base64(&bytes))
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |chunk: &[u8]| {
        let bits = chunk.iter().chain(&[0, 0]).take(3).fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        let letter = |at: usize| if at > chunk.len() { '=' } else { char::from(letters[bits >> (18 - 6 * at) & 63]) };
        [letter(0), letter(1), letter(2), letter(3)]
    };
    bytes.chunks(3).flat_map(quad).collect()
}

#[test]
fn case_41_compressed_records_are_no_bomb() {
    // Nothing in a stream is unpacked: base64 of gzip goes through as it is, and costs what text costs.
    // Ten gibibytes, and the memory: full.rs.
    let line = bomb(64);
    let out = redacted(&line);
    assert!(out.out == line.as_bytes() && out.alerts.is_empty());
}

#[test]
fn case_69_the_alert_leads_to_the_event() {
    let (key, other) = (key("69"), key("69b"));
    let record = format!(
        "{{\"ts\":\"2026-03-12T09:11:07Z\",\"service\":\"payouts\",\"request_id\":\"r-77\",\"trace_id\":\"t-1\",\"k\":\"{key}\"}}\n\
         {{\"request_id\":\"{other}\",\"k\":\"x\"}}\n"
    );
    let out = redacted(record);
    let told = &out.alerts[0]["correlation"];
    assert_eq!(
        [&told["request_id"], &told["trace_id"], &told["service"], &told["time"]],
        ["r-77", "t-1", "payouts", "2026-03-12T09:11:07Z"]
    );
    let all = serde_json::to_string(&out.alerts).unwrap();
    super::keeps(&all, &key);
    super::keeps(&all, &other);
}

#[test]
fn evidence_that_comes_later_changes_nothing() {
    // Without a provider before it, a publishable key is none of ours; what follows cannot take it back.
    let line = expand("x-api-key: pk_live_{base62:24}\n", "later");
    let out = redacted(format!("{line}host: api.paychainhq.io\n"));
    let alone = redacted(&line);
    assert!(out.out.starts_with(&alone.out), "{}", out.text());
}

#[test]
fn alerts_are_small_and_hold_no_key() {
    let key = key("small");
    let line = format!("{} {key} {}\n", "x\"y ".repeat(400), "\u{1F511} ".repeat(400));
    let out = redacted(line);
    assert!(out.alerts[0].to_string().len() < 2048, "{}", out.alerts[0].to_string().len());
    super::keeps(&out.alerts[0].to_string(), &key);
}
