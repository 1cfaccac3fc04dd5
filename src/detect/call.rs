//! Secrets that have no name of their own because they are arguments of a call: `new RazorpayClient("id", "secret")`.
//! What is called says what they are.

use super::near::Around;
use super::resolve::Found;
use super::slot::Slot;
use super::{context, slot};
use crate::credential::{Environment, Evidence};
use crate::rule::RuleSet;
use crate::rule::name::words;
use crate::span::Span;

/// A call, and which of its arguments are secret.
#[derive(Debug)]
pub(super) struct Call {
    /// What is looked for, in lower case: what is called up to its bracket, sometimes how its first argument begins.
    pub(super) head: &'static str,
    /// Places of arguments, and the name that each would have as a variable.
    secrets: &'static [(usize, &'static str)],
}

/// How far the arguments of a call reach.
const REACH: usize = 512;
/// The longest value, and the shortest.
const LONGEST: usize = 256;
const SHORTEST: usize = 8;
/// What the constant or the argument is called that says which environment a client is for.
const ENVIRONMENT: &[u8] = b"environment";
/// The longest name of an environment, with what it belongs to.
const NAME: usize = 64;

const fn call(head: &'static str, secrets: &'static [(usize, &'static str)]) -> Call {
    Call { head, secrets }
}

const API_KEY: &[(usize, &str)] = &[(0, "api_key")];
const AWS: &[(usize, &str)] = &[(1, "aws_secret_access_key")];
const BRAINTREE: &[(usize, &str)] = &[(3, "braintree_private_key")];
const DATABASE: &[(usize, &str)] = &[(2, "db_password")];
const ENCODE: &[(usize, &str)] = &[(1, "jwt_secret")];
const LOGIN: &[(usize, &str)] = &[(1, "login_password")];
const OPENPAY: &[(usize, &str)] = &[(1, "openpay_private_key")];
const PAYPAL: &[(usize, &str)] = &[(1, "paypal_client_secret")];
const PAYTM: &[(usize, &str)] = &[(1, "paytm_merchant_key")];
const RAZORPAY: &[(usize, &str)] = &[(1, "razorpay_key_secret")];
const TWILIO: &[(usize, &str)] = &[(1, "twilio_auth_token")];

/// What the clients of providers and the libraries of languages are given, as their documentation has it.
pub(super) const CALLS: &[Call] = &[
    // Payments.
    call("('rzp_", RAZORPAY),
    call("(\"rzp_", RAZORPAY),
    call("sandboxenvironment(", PAYPAL),
    call("liveenvironment(", PAYPAL),
    call("productionenvironment(", PAYPAL),
    call("paypalenvironment.sandbox(", PAYPAL),
    call("paypalenvironment.live(", PAYPAL),
    call("oauthtokencredential(", PAYPAL),
    call("paypal.newclient(", PAYPAL),
    call("apicontext(", PAYPAL),
    call("braintreegateway(", BRAINTREE),
    call("braintree.new(", BRAINTREE),
    call("configuration.configure(", BRAINTREE),
    call("checksum.generatesignature(", PAYTM),
    call("checksum.verifysignature(", PAYTM),
    call("plaid.client(", &[(1, "plaid_secret")]),
    call("openpayapi.new(", OPENPAY),
    call("new openpay(", OPENPAY),
    // Beside them.
    call("twilio.init(", TWILIO),
    call("twilioclient.init(", TWILIO),
    call("twilio')(", TWILIO),
    call("twilio\")(", TWILIO),
    call("client('ac", TWILIO),
    call("client(\"ac", TWILIO),
    call("twilio('ac", TWILIO),
    call("twilio(\"ac", TWILIO),
    call("awscredentials(", AWS),
    call("aws.credentials(", AWS),
    call("aws::credentials.new(", AWS),
    call("awsbasiccredentials.create(", AWS),
    call("staticcredentials(", AWS),
    call("staticcredentialsprovider(", AWS),
    call("s3connection(", AWS),
    call("connect_s3(", AWS),
    call("oauthhandler(", &[(1, "consumer_secret")]),
    call("clientcredential(", &[(1, "client_secret")]),
    call("set_access_token(", &[(1, "access_token_secret")]),
    // Services that take their key as it is.
    call("signatureverifier(", &[(0, "slack_signing_secret")]),
    call("algoliasearch(", &[(1, "api_key")]),
    call("searchclient.create(", &[(1, "api_key")]),
    call("searchclient::create(", &[(1, "api_key")]),
    call("serverclient(", API_KEY),
    call("sparkpost(", API_KEY),
    call("mailchimp_transactional')(", API_KEY),
    call("apiconnect(", &[(1, "api_secret")]),
    call("resend('re_", &[(0, "resend_api_key")]),
    call("resend(\"re_", &[(0, "resend_api_key")]),
    call("('sg.", &[(0, "sendgrid_api_key")]),
    call("(\"sg.", &[(0, "sendgrid_api_key")]),
    call("cohere.client(", API_KEY),
    call("cohere.clientv2(", API_KEY),
    call("deepgramclient(", API_KEY),
    call("azurekeycredential(", API_KEY),
    call("fromsubscription(", API_KEY),
    call("vt.client(", API_KEY),
    call("shodan.shodan(", API_KEY),
    call("otxv2(", API_KEY),
    call("todoistapi(", API_KEY),
    call("deepl.translator(", &[(0, "deepl_auth_key")]),
    call("deepl.deeplclient(", &[(0, "deepl_auth_key")]),
    call("dropbox.dropbox(", &[(0, "dropbox_access_token")]),
    call("new lob(", API_KEY),
    call("lob\\lob(", API_KEY),
    call("telegrambot(", &[(0, "telegram_bot_token")]),
    call("telegram.bot(", &[(0, "telegram_bot_token")]),
    call("telebot.telebot(", &[(0, "telegram_bot_token")]),
    call("telegraf(", &[(0, "telegram_bot_token")]),
    call("bot.run(", &[(0, "discord_token")]),
    call("client.run(", &[(0, "discord_token")]),
    call("spotifyclientcredentials(", &[(1, "client_secret")]),
    call("lyricsgenius.genius(", &[(0, "access_token")]),
    call("acsclient(", &[(1, "access_key_secret")]),
    call("defaultprofile.getprofile(", &[(2, "access_key_secret")]),
    call("credential.credential(", &[(1, "secret_key")]),
    call("personalaccesstokenauth(", &[(1, "personal_access_token")]),
    call("cfclient(", API_KEY),
    call("mixpanelutils(", &[(0, "api_secret")]),
    call("ably.realtime(", &[(0, "ably_api_key")]),
    call("ably.rest(", &[(0, "ably_api_key")]),
    call("streamchat.getinstance(", &[(1, "api_secret")]),
    call("streamchat(", &[(1, "api_secret")]),
    call("africastalking(", &[(1, "api_key")]),
    call("new novu(", API_KEY),
    call("new pushy(", API_KEY),
    call("api2pdf(", API_KEY),
    call("scaleclient(", API_KEY),
    call("canvasapi.canvas(", &[(1, "api_token")]),
    call("authapikey(", API_KEY),
    call("authorize_account(", &[(2, "app_key")]),
    call("new pusher(", &[(1, "api_secret")]),
    call("plivo.restclient(", &[(1, "auth_token")]),
    call("basicauthcredentials(", LOGIN),
    // Signatures and tokens.
    call("createhmac(", &[(1, "hmac_key")]),
    call("hash_hmac(", &[(2, "hmac_key")]),
    call("hmac.new(", &[(0, "hmac_key")]),
    call("secretkeyspec(", &[(0, "hmac_key")]),
    call("jwt.sign(", ENCODE),
    call("jwt.encode(", ENCODE),
    call("jwt::encode(", ENCODE),
    call("signwith(", ENCODE),
    call("symmetricsecuritykey(encoding.utf8.getbytes(", &[(0, "jwt_secret")]),
    call("createcipheriv(", &[(1, "encryption_key")]),
    call("fernet(", &[(0, "fernet_key")]),
    call("aes.encrypt(", &[(1, "encryption_key")]),
    call("aes.decrypt(", &[(1, "encryption_key")]),
    call("openssl_encrypt(", &[(2, "encryption_key")]),
    call("openssl_decrypt(", &[(2, "encryption_key")]),
    call("cookieparser(", &[(0, "cookie_secret")]),
    // Databases, mail and the like.
    call("mysql_connect(", DATABASE),
    call("mysqli_connect(", DATABASE),
    call("new mysqli(", DATABASE),
    call("new pdo(", DATABASE),
    call("pdo->__construct(", DATABASE),
    call("mysqldb.connect(", DATABASE),
    call("pymysql.connect(", DATABASE),
    call("drivermanager.getconnection(", DATABASE),
    call("mysql_real_connect(", &[(3, "db_password")]),
    call("new sequelize(", DATABASE),
    call("dbi->connect(", DATABASE),
    call("keystore.load(", &[(1, "keystore_password")]),
    call("ftp_login(", DATABASE),
    call("ldap_bind(", &[(2, "ldap_password")]),
    call("plainauth(", &[(2, "smtp_password")]),
    call(".login(", LOGIN),
    call("wifi.begin(", LOGIN),
    call("ftplib.ftp(", DATABASE),
    call("ftpclient(", DATABASE),
    call("username_pw_set(", LOGIN),
    call("->credentials(", &[(3, "login_password")]),
    call(".basic(", LOGIN),
    call("ks.load(", &[(1, "keystore_password")]),
    call("client.connect(", DATABASE),
    call("networkcredential(", LOGIN),
    call("passwordauthentication(", LOGIN),
    call("passwordcredentials(", LOGIN),
    call("basicauth(", &[(1, "client_secret")]),
    call("basic_auth(", &[(1, "client_secret")]),
    call("basic_auth '", &[(1, "client_secret")]),
    call("basic_auth \"", &[(1, "client_secret")]),
];

impl Call {
    /// The secrets among the arguments; the bytes of the head are at `head`.
    pub(super) fn values(&self, set: &RuleSet, around: &Around<'_>, head: Span) -> Vec<Found> {
        let bytes = around.bytes;
        let open = head.start + self.callee().len();
        let name = Span::new(slot::name_start(bytes, open), open);
        let arguments = arguments(bytes, open + 1);
        let secret = |&(place, secret): &(usize, &str)| {
            let text = arguments.get(place)?.text?;
            let slot = Slot { name, value: text.start, listed: false };
            let mut found = context::read(set, around, slot, (&around.rules_named(secret.as_bytes()), true))?;
            // A value that says its own environment is believed before what stands beside it.
            let is_told = found.because.iter().any(|evidence| evidence.weight == Some(100));
            if !found.rule.provider.is_general() && !is_told {
                let mut said =
                    arguments.iter().filter(|argument| !argument.is_value()).map(|argument| argument.span).chain([name]);
                if let Some((environment, span)) = said.find_map(|span| environment_in(bytes, span)) {
                    let fact = format!("given to {}", String::from_utf8_lossy(&bytes[span.range()]));
                    found.environment = environment;
                    found.because.push(Evidence { fact, weight: Some(100), span: Some(span) });
                }
            }
            (found.span.end == text.end).then_some(found)
        };
        self.secrets.iter().filter_map(secret).collect()
    }

    /// Whether the argument is one of the secrets.
    fn takes(&self, place: usize) -> bool {
        self.secrets.iter().any(|(secret, _)| *secret == place)
    }

    /// What stands before the bracket, or the space of Ruby: the last one, unless the first argument is part of the head.
    fn callee(&self) -> &'static str {
        self.head.strip_suffix('(').or_else(|| self.head.split(['(', ' ']).next()).unwrap_or_default()
    }
}

/// What is called with a value that begins at `at` as one of its secrets.
pub(super) fn callee_of(bytes: &[u8], at: usize) -> Option<Span> {
    let floor = at.saturating_sub(REACH);
    let is_given = |call: &&Call, open: usize| {
        let begins = open >= call.callee().len() && {
            let head = &bytes[open - call.callee().len()..];
            head.len() >= call.head.len() && head[..call.head.len()].eq_ignore_ascii_case(call.head.as_bytes())
        };
        let is_secret = |argument: &Argument| argument.text.is_some_and(|text| text.start == at);
        begins && arguments(bytes, open + 1).iter().position(is_secret).is_some_and(|place| call.takes(place))
    };
    let mut opens = memchr::memrchr_iter(b'(', &bytes[floor..at]).map(|open| floor + open);
    opens.find(|&open| CALLS.iter().any(|call| is_given(&call, open))).map(|open| Span::new(slot::name_start(bytes, open), open))
}

/// The environment that an argument beside the value says: `configure(braintree.Environment.Sandbox, private_key="v")`.
pub(super) fn environment_beside(bytes: &[u8], value: usize) -> Option<(Environment, Span)> {
    let floor = value.saturating_sub(REACH);
    let mut depth = 0_usize;
    let open = bytes[floor..value].iter().rposition(|byte| match byte {
        b')' => {
            depth += 1;
            false
        }
        b'(' if depth > 0 => {
            depth -= 1;
            false
        }
        byte => *byte == b'(',
    })?;
    let constant = |argument: &Argument| {
        let text = &bytes[argument.span.range()];
        let behind = memchr::memchr(b'=', text).map_or(0, |at| at + 1);
        let names = text.windows(ENVIRONMENT.len()).any(|part| part.eq_ignore_ascii_case(ENVIRONMENT));
        names.then(|| Span::new(argument.span.start + behind, argument.span.end))
    };
    let arguments = arguments(bytes, floor + open + 1);
    arguments.iter().filter_map(constant).find_map(|span| environment_in(bytes, span))
}

/// The environment that an argument, or what is called, is a name of: `Environment.SANDBOX`, `"production"`.
fn environment_in(bytes: &[u8], span: Span) -> Option<(Environment, Span)> {
    let text = &bytes[span.range()];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:\\\"' \n\t".contains(byte);
    if span.len() > NAME || !text.iter().all(is_name) {
        return None;
    }
    let words = words(text);
    let says = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    // `APIBaseSandBox`.
    let sandbox = says(&["test"]) || text.to_ascii_lowercase().windows(7).any(|part| part == b"sandbox");
    match (says(&["live", "production"]), sandbox) {
        (true, false) => Some((Environment::Live, span)),
        (false, true) => Some((Environment::Sandbox, span)),
        _ => None,
    }
}

/// One argument.
#[derive(Clone, Copy, Debug)]
struct Argument {
    /// All of it.
    span: Span,
    /// The text that it begins with.
    text: Option<Span>,
}

impl Argument {
    /// Whether it is longer than the name of an environment.
    fn is_value(self) -> bool {
        self.text.is_some_and(|text| text.len() > "production".len())
    }
}

/// The arguments of a call from its opening bracket on.
fn arguments(bytes: &[u8], open: usize) -> Vec<Argument> {
    let end = bytes.len().min(open + REACH);
    let (mut all, mut at, mut depth) = (Vec::new(), open, 0_usize);
    // Where the argument begins, once something of it was seen, and the text that it begins with.
    let (mut start, mut text) = (None, None);
    while at < end {
        let byte = bytes[at];
        match byte {
            b'"' | b'\'' | b'`' => {
                let Some(length) = length_of_text(&bytes[at + 1..end], byte) else { break };
                if start.is_none() && (SHORTEST..=LONGEST).contains(&length) {
                    text = Some(Span::new(at + 1, at + 1 + length));
                }
                start = start.or(Some(at));
                at += length + 1;
            }
            // In the text of a notebook, quotes are escaped.
            b'\\' if start.is_none() && matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => {
                let Some(length) = length_of_escaped(&bytes[at + 2..end], bytes[at + 1]) else { break };
                if (SHORTEST..=LONGEST).contains(&length) {
                    text = Some(Span::new(at + 2, at + 2 + length));
                }
                start = Some(at);
                at += length + 3;
            }
            b'(' | b'[' | b'{' => (depth, start) = (depth + 1, start.or(Some(at))),
            b')' | b']' | b'}' | b';' if depth == 0 => break,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                all.push(Argument { span: Span::new(start.take().unwrap_or(at), at), text: text.take() });
            }
            // `Some("…")` of Rust.
            b'S' if start.is_none() && bytes[at..end].starts_with(b"Some(\"") => {
                depth += 1;
                at += "Some".len();
            }
            // `b"…"` of Python, `@"…"` of Objective-C and C#.
            b'b' | b'@' if start.is_none() && matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => start = start.or(Some(at)),
        }
        at += 1;
    }
    let at = at.min(end);
    all.push(Argument { span: Span::new(start.unwrap_or(at), at), text });
    all
}

/// The same for a text between escaped quotes.
fn length_of_escaped(rest: &[u8], quote: u8) -> Option<usize> {
    let length = rest.iter().position(|&byte| matches!(byte, b'"' | b'\'' | b'\\' | b'\n'))?;
    rest[length..].starts_with(&[b'\\', quote]).then_some(length)
}

/// How long a text is that ends with this quote on its line.
fn length_of_text(rest: &[u8], quote: u8) -> Option<usize> {
    let length = rest.iter().position(|&byte| byte == quote || byte == b'\\' || byte == b'\n')?;
    (rest[length] == quote).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::index::Index;

    fn texts(call: &str) -> Vec<Option<&str>> {
        let open = call.find('(').unwrap() + 1;
        arguments(call.as_bytes(), open).into_iter().map(|argument| Some(&call[argument.text?.range()])).collect()
    }

    #[test]
    fn arguments_are_told_apart() {
        assert_eq!(texts("f('first-one', \"second,one\")"), [Some("first-one"), Some("second,one")]);
        assert_eq!(texts("f(Env.LIVE,\n  id(1, 'not-this-one'),\n  b'third-one',\n)"), [None, None, Some("third-one"), None]);
        assert_eq!(texts("f(a, 'long-enough'.getBytes())"), [None, Some("long-enough")]);
        assert_eq!(texts("f(x = 'long-enough', 'short', prefix + 'long-enough')"), [None, None, None]);
        assert_eq!(texts("f(a, 'no end\n, 'long-enough')"), [None, None]);
        assert_eq!(texts("f(a; 'long-enough')"), [None]);
        assert_eq!(texts("f(\\\"first-one\\\", \\\"second-one\\\")\\n"), [Some("first-one"), Some("second-one")]);
        assert_eq!(texts("f(\"somebody\", Some(\"long-enough\")).send()"), [Some("somebody"), Some("long-enough")]);
    }

    #[test]
    fn arguments_say_which_environment() {
        let said = |text: &str| environment_in(text.as_bytes(), Span::new(0, text.len())).map(|(environment, _)| environment);
        for text in
            ["Environment.SANDBOX", "'sandbox'", "paypal.APIBaseSandBox", "SandboxEnvironment", "braintree.Sandbox", ":test"]
        {
            assert_eq!(said(text), Some(Environment::Sandbox), "{text}");
        }
        for text in ["Braintree.Environment.PRODUCTION", "\"live\"", "LiveEnvironment", "Environment::Production"] {
            assert_eq!(said(text), Some(Environment::Live), "{text}");
        }
        for text in ["env", "getenv('LIVE')", "client", "latest", "delivery", "sandbox || live"] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn arguments_beside_a_value_say_its_environment() {
        let said = |text: &str| environment_beside(text.as_bytes(), text.rfind('v').unwrap()).map(|(environment, _)| environment);
        for (text, expected) in [
            ("configure(pay.Environment.Sandbox, key=\"v\")", Some(Environment::Sandbox)),
            ("configure(environment=pay.Environment.Production,\n  id=f(1), key=\"v\")", Some(Environment::Live)),
            ("client(new(Environment.SANDBOX, 'v'))", Some(Environment::Sandbox)),
            ("configure(Environment.SANDBOX); key = \"v\"", None),
            ("configure(pick(Environment.SANDBOX), key=\"v\")", None),
            ("configure(sandbox, key=\"v\")", None),
            ("key = \"v\"", None),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn heads_are_literals_of_calls_and_secrets_have_names() {
        let index = Index::new(&RuleSet::builtin().into());
        for call in CALLS {
            for (_, secret) in call.secrets {
                assert!(index.rules(secret.as_bytes()).iter().any(|known| known.own.is_some()), "{secret}");
            }
            assert!(call.head.contains(['(', ' ']) && !call.head.bytes().any(|byte| byte.is_ascii_uppercase()), "{}", call.head);
            assert!(!call.secrets.is_empty());
        }
    }
}
