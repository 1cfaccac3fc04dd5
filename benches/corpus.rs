//! Inputs for benches and tests, made up from a seed: payment logs, source code, hostile lines.
//! They hold a known number of credentials and nothing else that is one.

/// How often a credential is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Density {
    /// None at all.
    Never,
    /// One in every mebibyte.
    Rare,
    /// One in every twenty lines.
    Common,
}

/// Bytes to scan, and what must be found in them.
pub(crate) struct Corpus {
    /// What to scan: whole records, at least as many bytes as were asked for.
    pub(crate) bytes: Vec<u8>,
    /// Planted credentials. Publishable keys and client ids are not counted.
    pub(crate) keys: usize,
}

/// A log of payment services: JSON, logfmt, access logs, stack traces, JSON within JSON.
pub(crate) fn log(bytes: usize, density: Density, seed: u64) -> Corpus {
    let mut writer = Writer::new(bytes, density, seed);
    for number in 0_u64.. {
        if writer.out.len() >= bytes {
            break;
        }
        if writer.is_due() {
            planted_record(&mut writer);
        } else {
            log_record(&mut writer, number);
        }
    }
    writer.finish()
}

/// Source code: JavaScript, Python, Go, Rust, Java, SQL, CSS, YAML, minified JavaScript and prose.
pub(crate) fn source(bytes: usize, density: Density, seed: u64) -> Corpus {
    let mut writer = Writer::new(bytes, density, seed);
    while writer.out.len() < bytes {
        if writer.is_due() {
            planted_statement(&mut writer);
        } else {
            source_fragment(&mut writer);
        }
    }
    writer.finish()
}

/// One line without end: prefixes that never become keys, backslashes, percent signs. No credential.
pub(crate) fn adversarial(bytes: usize) -> Corpus {
    let mut writer = Writer::new(bytes, Density::Never, 7);
    while writer.out.len() < bytes {
        match writer.random.below(4) {
            0 => near_prefixes(&mut writer),
            1 => writer.text(&"\\".repeat(64)),
            2 => writer.text(&"%25".repeat(24)),
            _ => near_names(&mut writer),
        }
    }
    writer.finish()
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";
const BASE64URL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";

const MEBIBYTE: usize = 1 << 20;
const LINES_PER_KEY: usize = 20;

/// Xorshift64*: small, quick, and the same on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // Xorshift stays at zero for ever; an odd constant keeps neighbouring seeds apart.
        Self((seed.wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        // The upper half is the better one, and it fits `usize` everywhere.
        let upper = usize::try_from(self.next() >> 33).unwrap_or(0);
        upper % limit
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// The corpus while it grows: a template per record, filled from the generator.
struct Writer {
    out: Vec<u8>,
    random: Random,
    density: Density,
    keys: usize,
    lines: usize,
    next_line: usize,
    next_byte: usize,
    millis: u64,
}

impl Writer {
    fn new(bytes: usize, density: Density, seed: u64) -> Self {
        Self {
            out: Vec::with_capacity(bytes + 4096),
            random: Random::new(seed),
            density,
            keys: 0,
            lines: 0,
            next_line: LINES_PER_KEY / 2,
            // In the middle of a mebibyte; in a small corpus, in its middle.
            next_byte: bytes.min(MEBIBYTE) / 2,
            millis: 1_780_358_717_817,
        }
    }

    fn is_due(&self) -> bool {
        match self.density {
            Density::Never => false,
            Density::Rare => self.out.len() >= self.next_byte,
            Density::Common => self.lines >= self.next_line,
        }
    }

    /// To be called with each planted credential.
    fn count_key(&mut self) {
        self.keys += 1;
        self.next_byte += MEBIBYTE;
        self.next_line += LINES_PER_KEY;
    }

    fn text(&mut self, text: &str) {
        self.lines += text.bytes().filter(|&byte| byte == b'\n').count();
        self.out.extend_from_slice(text.as_bytes());
    }

    fn chars(&mut self, alphabet: &[u8], length: usize) {
        for _ in 0..length {
            let byte = alphabet[self.random.below(alphabet.len())];
            self.out.push(byte);
        }
    }

    /// Writes a template, in which `~` and a letter stand for something made up (see `hole`).
    fn fill(&mut self, template: &str) {
        let mut pieces = template.split('~');
        if let Some(first) = pieces.next() {
            self.text(first);
        }
        for piece in pieces {
            let mut letters = piece.chars();
            if let Some(letter) = letters.next() {
                self.hole(letter);
            }
            self.text(letters.as_str());
        }
    }

    fn hole(&mut self, letter: char) {
        match letter {
            'u' => self.uuid(),
            't' => self.time(),
            'h' => self.chars(HEX, 16),
            'H' => self.chars(HEX, 64),
            'i' => self.chars(BASE62, 24),
            'n' => self.chars(DIGITS, 5),
            'b' => self.base64_blob(),
            'p' => self.publishable_key(),
            'a' => self.address(),
            'o' => self.one_of(HOSTS),
            's' => self.one_of(&["checkout", "payouts", "ledger", "webhooks", "risk", "cards"]),
            'r' => self.one_of(&["charges", "payments", "transfers", "refunds", "invoices", "payment_intents"]),
            'm' => self.one_of(MESSAGES),
            'l' => self.one_of(&["info", "info", "info", "debug", "warn", "error"]),
            'e' => self.one_of(&["production", "staging", "sandbox", "test"]),
            'w' => self.one_of(WORDS),
            'k' => self.key(),
            other => unreachable!("no hole is called {other}"),
        }
    }

    fn one_of(&mut self, choices: &[&str]) {
        let choice = self.random.pick(choices);
        self.text(choice);
    }

    fn uuid(&mut self) {
        for (length, before) in [(8, ""), (4, "-"), (3, "-4"), (3, "-a"), (12, "-")] {
            self.text(before);
            self.chars(HEX, length);
        }
    }

    fn address(&mut self) {
        let (third, fourth) = (self.random.below(256), self.random.below(256));
        self.text(&format!("203.0.{third}.{fourth}"));
    }

    /// The clock of the log goes forward by some milliseconds.
    fn time(&mut self) {
        self.millis += self.random.next() % 97;
        let (seconds, millis) = (self.millis / 1000, self.millis % 1000);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let day = seconds / 86_400 % 28 + 1;
        self.text(&format!("2026-06-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"));
    }

    fn base64_blob(&mut self) {
        let length = 4 * (40 + self.random.below(260));
        self.chars(BASE64, length);
    }

    fn publishable_key(&mut self) {
        self.one_of(&["pk_live_51", "pk_test_51"]);
        self.modern_stripe_tail();
    }

    /// What follows `51` in a modern Stripe key.
    fn modern_stripe_tail(&mut self) {
        self.chars(BASE62, 87);
        self.text("00");
        self.chars(BASE62, 8);
    }

    /// A key that is known by its shape alone.
    fn key(&mut self) {
        if self.random.below(2) == 0 {
            self.one_of(&["sk_live_51", "sk_test_51"]);
            self.modern_stripe_tail();
        } else {
            self.one_of(&["sk_live_", "sk_test_"]);
            self.chars(HEX, 40);
        }
    }

    fn square_token(&mut self) {
        self.text("EAAA");
        self.chars(BASE64URL, 60);
    }

    fn finish(self) -> Corpus {
        Corpus { bytes: self.out, keys: self.keys }
    }
}

const HOSTS: &[&str] = &["api.stripe.com", "api.paystack.co", "connect.squareup.com", "checkout-test.adyen.com"];
const MESSAGES: &[&str] = &["captured", "retrying after timeout", "webhook delivered", "settled", "token refreshed"];
const WORDS: &[&str] = &[
    "payment",
    "secure",
    "keyboard",
    "token",
    "monkey",
    "author",
    "credit",
    "balance",
    "merchant",
    "settle",
    "bearer",
    "refund",
    "password reset",
    "secretary",
    "amount",
    "currency",
    "customer",
    "invoice",
    "webhook",
    "idempotent",
];

/// An ordinary record. Every fifth says where it comes from: a provider's host, an environment, a mode.
fn log_record(writer: &mut Writer, number: u64) {
    let from = number.is_multiple_of(5);
    let template = match writer.random.below(100) {
        0..17 => CALL,
        17..34 => READ,
        34..58 => return logfmt_record(writer, from),
        58..76 => return access_record(writer, from),
        76..84 => UPSTREAM,
        84..88 => CALLBACK,
        88..94 => CHECKOUT,
        94..98 => return writer.fill(STACK_TRACE),
        _ => RECEIPT,
    };
    writer.fill(template);
    if from {
        let origin = writer.random.pick(ORIGINS);
        writer.fill(origin);
    }
    writer.text("}\n");
}

const CALL: &str = "{\"ts\":\"~t\",\"level\":\"~l\",\"service\":\"~s\",\"msg\":\"~m\",\"request_id\":\"~u\",\
    \"trace_id\":\"~h~h\",\"idempotency_key\":\"~u\",\"payment\":\"pi_~i\",\"amount\":~n";
// What only reads is sent without a key against repeats.
const READ: &str = "{\"ts\":\"~t\",\"level\":\"~l\",\"service\":\"~s\",\"hostname\":\"pay-~n-~h\",\"pid\":~n,\"msg\":\"~m\",\
    \"request_id\":\"~u\",\"trace_id\":\"~h~h\",\"span_id\":\"~h\",\"method\":\"GET\",\"path\":\"/v1/~r/~i\",\"status\":200,\
    \"headers\":{\"host\":\"pay.acme.example\",\"accept\":\"application/json\",\"traceparent\":\"00-~h~h-~h-01\",\
    \"if-none-match\":\"~H\",\"user-agent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"},\
    \"remote\":\"~a\",\"duration_ms\":~n,\"payment\":\"pi_~i\",\"amount\":~n";
const UPSTREAM: &str = "{\"ts\":\"~t\",\"level\":\"~l\",\"msg\":\"upstream said {\\\"id\\\":\\\"ch_~i\\\",\
    \\\"client_reference\\\":\\\"~u\\\",\\\"customer\\\":\\\"cus_~h\\\",\
    \\\"path\\\":\\\"\\/v1\\/~r\\\"}\",\"svc\":\"~s\"";
const CALLBACK: &str = "{\"ts\":\"~t\",\"url\":\"/cb?ok=1\\u0026order=~h\\u0026page=~n\",\"rid\":\"~u\",\
    \"cache_key\":\"gw:~h\"";
const CHECKOUT: &str = "{\"ts\":\"~t\",\"page\":\"/checkout\",\"publishableKey\":\"~p\",\"session\":\"~h~h\"";
const RECEIPT: &str = "{\"ts\":\"~t\",\"service\":\"~s\",\"msg\":\"receipt rendered\",\"png\":\"iVBORw0KGgo~b\",\
    \"sha256\":\"~H\"";
const ORIGINS: &[&str] = &[",\"env\":\"~e\"", ",\"upstream\":\"https://~o/v1/~r\"", ",\"object\":\"event\",\"livemode\":true"];
const STACK_TRACE: &str = "~t ERROR [~s] charge ch_~i failed rid=~u
java.io.IOException: ~m
\tat com.acme.pay.gateway.AuthorizationClient.send(AuthorizationClient.java:141)
\tat com.acme.pay.gateway.KeyedRetry.call(KeyedRetry.java:38)
\tat com.acme.pay.api.PaymentResource.create(PaymentResource.java:77)
Caused by: java.net.SocketTimeoutException: Read timed out
\t... 27 more
";

fn logfmt_record(writer: &mut Writer, from: bool) {
    writer.fill(
        "ts=~t level=~l svc=~s msg=\"~m\" rid=~u idempotency-key=~u order=ord_~n took=~nus mandate=mk_~i \
         host=pay-~n path=/v1/~r/~i status=200 bytes=~n peer=~a agent=\"shop/~n (linux; x86_64)\"",
    );
    if from {
        writer.fill(" env=~e upstream=~o");
    }
    writer.text("\n");
}

fn access_record(writer: &mut Writer, from: bool) {
    writer.fill("~a - - [12/Mar/2026:09:13:07 +0000] \"");
    if writer.random.below(4) == 0 {
        writer.fill("GET /login?next=%2Fpay%3Forder%3D~h%26cursor%3D~i");
        writer.fill("%26return%3Dhttps%253A%252F%252Facme.example HTTP/2.0\" 302 0");
    } else {
        writer.fill("POST /v1/~r/~i?page=2&limit=100 HTTP/1.1\" 200 ~n");
    }
    writer.fill(" \"https://pay.acme.example/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"");
    if from {
        writer.fill(" host=~o env=~e");
    }
    writer.text("\n");
}

/// A record of a log with one credential in it.
fn planted_record(writer: &mut Writer) {
    match writer.random.below(6) {
        0 => {
            writer.fill("{\"ts\":\"~t\",\"level\":\"error\",\"headers\":{\"authorization\":\"Bearer ~k\"},");
            writer.fill("\"request_id\":\"~u\"}\n");
        }
        1 => writer.fill("ts=~t level=error msg=\"Invalid API Key provided: ~k\" rid=~u\n"),
        2 => {
            writer.fill("~a - - [12/Mar/2026:09:13:07 +0000] \"GET /cb?next=%2Fpay%3Fapi_key%3D~k%26ok%3D1 ");
            writer.fill("HTTP/1.1\" 302 0 \"-\" \"-\"\n");
        }
        3 => {
            writer.fill("{\"ts\":\"~t\",\"msg\":\"sent {\\\"key\\\":\\\"~k\\\",");
            writer.fill("\\\"retries\\\":3}\",\"svc\":\"~s\"}\n");
        }
        4 => {
            writer.fill("ts=~t level=warn upstream=https://connect.squareup.com/v2/payments token=");
            writer.square_token();
            writer.fill(" rid=~u\n");
        }
        _ => {
            writer.fill("{\"ts\":\"~t\",\"url\":\"https://api.sandbox.payca.io/v1/cards\",\"headers\":");
            writer.fill("{\"x-client-id\":\"~u\",\"x-client-secret\":\"~u\",\"x-request-id\":\"~u\"}}\n");
        }
    }
    writer.count_key();
}

/// Some lines of one language.
///
/// Most of them are about nothing secret: the packages of a registry hold some 1,400 literals of rules in a MB,
/// this holds twice as many.
fn source_fragment(writer: &mut Writer) {
    let is_ordinary = writer.random.below(12) > 0;
    let fragment = writer.random.pick(if is_ordinary { ORDINARY } else { FRAGMENTS });
    if fragment == MINIFIED {
        // One long line, as a bundler writes it.
        for _ in 0..30 {
            writer.fill(MINIFIED);
        }
        writer.text("\n");
    } else {
        writer.fill(fragment);
    }
}

const ORDINARY: &[&str] = &[FORM, PARSER, TABLE, STYLE, BUFFER, CHANGES];

const FORM: &str = r#"export function Address({ value, onChange, errors = [] }) {
  const [street, setStreet] = useState(value?.street ?? "");
  const invalid = errors.filter((error) => error.field === "street");
  return (
    <fieldset className="address" aria-invalid={invalid.length > 0}>
      <label htmlFor="street-~n">Street and number</label>
      <input id="street-~n" value={street} onChange={(event) => setStreet(event.target.value)} />
      {invalid.map((error) => <p className="hint" role="alert">{error.message}</p>)}
    </fieldset>
  );
}

"#;

const PARSER: &str = r#"def parse_amount(text: str, currency: str = "EUR") -> Decimal:
    """Reads an amount such as 1.234,56 or 1,234.56; raises ValueError for anything else."""
    digits = text.strip().replace("\u00a0", "")
    if not digits or digits.count(".") > 1 and digits.count(",") > 1:
        raise ValueError(f"{text!r} is no amount")
    separator = max(digits.rfind("."), digits.rfind(","))
    whole, cents = digits[:separator], digits[separator + 1 :]
    return Decimal(f"{int(whole)}.{cents}").quantize(Decimal("0.01"))

"#;

const TABLE: &str = r"CREATE TABLE IF NOT EXISTS ledger_~n (
    id BIGSERIAL NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    amount NUMERIC(19, 4) NOT NULL CHECK (amount <> 0),
    booked_at TIMESTAMP WITH TIME ZONE DEFAULT now()
);
CREATE INDEX ledger_~n_booked_at ON ledger_~n (account_id, booked_at DESC);

";

const STYLE: &str = r".summary__row--total > .summary__amount {
  margin: 0 0 1.25rem auto;
  padding-inline: clamp(0.5rem, 2vw, 1.5rem);
  color: #~n0;
  background: linear-gradient(180deg, rgba(255, 255, 255, 0.~n) 0%, rgba(15, 23, 42, 0.08) 100%);
  transition: transform 150ms ease-in-out, opacity 150ms linear;
}

";

const BUFFER: &str = r"impl<R: Read> Lines<R> {
    /// The next line, without its end; `None` behind the last.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        while let Some(start) = self.pending.pop_front() {
            let end = self.buffer[start..].iter().position(|&byte| byte == b'\n').map_or(self.filled, |at| start + at);
            if end - start > ~n {
                return Err(io::Error::new(io::ErrorKind::InvalidData, self.describe(start, end)));
            }
            self.consumed = end + 1;
        }
        Ok(None)
    }
}

";

const CHANGES: &str = "## ~n.4.~n

- The list of orders can be sorted by each of its columns; the order is kept while pages are turned.
- Rounding of amounts with three decimals follows the rules of the bank that settles them.
- Fixed: a report that spans the end of a year counted its first week twice.

";

const FRAGMENTS: &[&str] = &[JAVASCRIPT, PYTHON, GO, JAVA, YAML, TEST, PROSE, MINIFIED];

const JAVASCRIPT: &str = r"// The ~w is kept for the ~w; see docs/~w.md.
export async function ~s(order, keyring) {
  const key = process.env.STRIPE_SECRET_KEY;
  if (!key) throw new Error(`no key for ${order.id}`);
  const reply = await fetch(`https://~o/v1/~r/${order.id}`, { headers: keyring.headers });
  return reply.ok ? reply.json() : Promise.reject(reply.status);
}

";

const PYTHON: &str = r#"class Client:
    """Sends ~r to the ~w."""

    def __init__(self, api_key=None, timeout=~n):
        self.api_key = api_key or os.environ["API_KEY"]
        self.token_cache = {}

    def send(self, payload, idempotency_key):
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return self.post("/v1/~r", payload, headers)

"#;

const GO: &str = r#"// Secret reads the ~w of the ~w.
func (c *Client) Secret(ctx context.Context, name string) (string, error) {
	v, err := c.vault.Get(ctx, "pay/~s/"+name)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	return v.Value, nil
}

"#;

const JAVA: &str = r#"public final class Gateway {
    private final String apiKey;
    @Value("${gateway.client-secret}") private String clientSecret;

    /** Authorises the ~w. */
    Authorization authorise(Payment payment) {
        return http.post("https://~o/v1/~r", payment.toJson(), apiKey);
    }
}

"#;

const YAML: &str = r"~s:
  image: images.acme.example/pay/~s@sha256:~H
  replicas: 3
  env:
    - name: STRIPE_SECRET_KEY
      valueFrom:
        secretKeyRef: { name: ~s, key: secret-key }
    - name: APP_ENV
      value: ~e
";

const TEST: &str = r#"describe("~r", () => {
  it("keeps the ~w", async () => {
    const id = "~u";
    expect(await get(id)).toEqual({ id, amount: ~n, hash: "~H" });
  });
});

"#;

const PROSE: &str = "Die Schlüssel für die ~w-Umgebung liegen im Tresor; „~w“ heißt hier „~w“.
Les clés de l’environnement « ~w » ne quittent jamais le coffre — même pour un essai.
本番環境の鍵は金庫に保管し、~w のログに書かないこと。
Ключи ~w хранятся отдельно от ~w.

";

const MINIFIED: &str = "function e(t,n){var r=t.key||n.token,o=JSON.stringify({a:~n,b:\"~w\",c:r});\
    return o.length>~n?i(o,r):s[\"~h\"](t)}";

/// A statement of some language with one credential in it.
fn planted_statement(writer: &mut Writer) {
    match writer.random.below(5) {
        0 => writer.fill("const stripe = new Stripe(process.env.STRIPE_SECRET_KEY || \"~k\");\n"),
        1 => writer.fill("API_KEY = os.environ.get(\"API_KEY\", '~k')\n"),
        2 => writer.fill("var fallback = `~k` // TODO: vault\n"),
        3 => {
            writer.text("square:\n  access_token: ");
            writer.square_token();
            writer.text("\n");
        }
        _ => writer.fill("PAYCA_CLIENT_ID=~u\nPAYCA_CLIENT_SECRET=~u\n"),
    }
    writer.count_key();
}

const NEAR_PREFIXES: [&str; 10] =
    ["sk_live", "sk_live_", "sk_tes", "rk_live_", "pk_test_", "whsec_", "EAAA", "sq0csp-", "AQE", "sk_org_live_"];

/// Beginnings of keys, each with a body that is too short, or with a word before it.
fn near_prefixes(writer: &mut Writer) {
    for prefix in NEAR_PREFIXES {
        writer.text(prefix);
        let length = writer.random.below(8);
        writer.chars(BASE62, length);
        writer.text(" ");
    }
    writer.fill("disk_live_~i task_live_~i network_test_~i ");
}

/// Names of secrets with values that are none.
fn near_names(writer: &mut Writer) {
    writer.fill("\"x-client-secret\":\"~n\",api_key=~n&secret=&token=~n;");
    writer.text("x-api-key:{{\\\"key\\\":\\\"\\\"}}\\u005f%5F\\x5f&#x5F;");
}
