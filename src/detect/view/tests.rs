//! Views as a whole: what is decoded, how it maps back, and that nothing depends on cuts.

use super::*;
use crate::detect::{REACH, Scanner, Scope};
use crate::finding::Sighting;
use crate::rule::RuleSet;
use crate::rule::examples::expand;

fn all(bytes: &[u8]) -> Vec<Decoded> {
    pieces(bytes, Span::new(0, bytes.len()), true, None).collect()
}

fn only(text: &[u8]) -> Decoded {
    let mut pieces = all(text);
    assert_eq!(pieces.len(), 1, "{}", text.escape_ascii());
    pieces.remove(0)
}

/// The raw text of a decoded text.
fn origin<'a>(decoded: &Decoded, raw: &'a [u8], text: &str) -> &'a [u8] {
    let at = memchr::memmem::find(&decoded.bytes, text.as_bytes()).expect("the text is there");
    &raw[decoded.origin(Span::new(at, at + text.len())).range()]
}

fn base64(text: &str) -> String {
    expand(&format!("{{base64of:{text}}}"), "").unwrap()
}

#[test]
fn spans_map_back() {
    let text = b"key=a%5Fb%2Dc;";
    let decoded = only(text);
    assert_eq!(decoded.bytes, b"key=a_b-c;");
    assert_eq!(origin(&decoded, text, "a_b-c"), b"a%5Fb%2Dc");
    assert_eq!(origin(&decoded, text, "_"), b"%5F");
    assert_eq!(origin(&decoded, text, ";"), b";");
}

#[test]
fn spans_in_runs_map_to_the_digits_that_hold_a_bit_of_them() {
    let run = base64("name: a value, and more");
    let text = format!("{{\"x\": \"{run}\"}}");
    let decoded = only(text.as_bytes());
    assert_eq!(decoded.bytes, b"{\"x\": \"name: a value, and more\"}");
    for (part, start, end) in [("name", 0, 6), ("ame", 1, 6), ("me:", 2, 7), ("e", 4, 6), ("more", 25, 31)] {
        assert_eq!(origin(&decoded, text.as_bytes(), part), &run.as_bytes()[start..end], "{part}");
    }
    let text = b"6e616d653a20612076616c75652c20616e64206d6f7265";
    assert_eq!(origin(&only(text), text, "value"), b"76616c7565");
    let text: Vec<u8> = "name: value".bytes().flat_map(|byte| [byte, 0, 0, 0]).collect();
    assert_eq!(origin(&only(&text), &text, "va"), b"v\0\0\0a");
}

#[test]
fn wrapped_lines_are_joined() {
    let (text, run) = ("a line of some length; ".repeat(9), base64(&"a line of some length; ".repeat(9)));
    for (line_end, width) in [("\n", 64), ("\r\n    ", 76), ("\\n", 64)] {
        let lines: Vec<_> = run.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let raw = format!("data: |\n  {}\nend", lines.join(line_end));
        let decoded = only(raw.as_bytes());
        assert_eq!(String::from_utf8_lossy(&decoded.bytes), format!("data: |\n  {text}\nend"));
    }
}

#[test]
fn a_colour_at_either_end_is_not_part_of_the_value() {
    let text = b"t \x1b[1mab\x1b[mcd\x1b[K.";
    let decoded = only(text);
    assert_eq!(decoded.bytes, b"t abcd.");
    assert_eq!(origin(&decoded, text, "abcd"), b"ab\x1b[mcd");
}

#[test]
fn a_run_that_is_escaped_in_part_waits_for_the_next_pass() {
    let run = base64("??>?>~~~ and more text ??>");
    assert!(run.contains('/'));
    let text = run.replace('/', "\\/");
    let once = only(text.as_bytes());
    assert_eq!(once.bytes, run.as_bytes());
    assert_eq!(only(&once.bytes).bytes, b"??>?>~~~ and more text ??>");
}

#[test]
fn different_encodings_are_undone_together() {
    let text = format!("a%5Fb \\u005f &#95; =3D {}", base64("name: a value"));
    assert_eq!(only(text.as_bytes()).bytes, b"a_b _ _ = name: a value");
    assert_eq!(only(b"%41 x=3D1").bytes, b"A x=1");
}

#[test]
fn a_span_knows_its_view() {
    let text = format!("%5Fone two&#95; {} four", base64("name: a value"));
    let decoded = only(text.as_bytes());
    let view = |text: &str| {
        let at = memchr::memmem::find(&decoded.bytes, text.as_bytes()).unwrap();
        decoded.view_of(Span::new(at, at + text.len()))
    };
    assert_eq!(view("_one"), Some(credential::View::Percent));
    assert_eq!(view("one t"), None);
    assert_eq!(view("two_"), Some(credential::View::Html));
    assert_eq!(view("value"), Some(credential::View::Base64));
    assert_eq!(view("four"), None);
}

#[test]
fn pieces_of_a_long_region_agree_with_the_whole() {
    let run = "a line of some length; ".repeat(8);
    let parts: [(Vec<u8>, String); 4] = [
        (b"a%5Fb".to_vec(), "a_b".to_owned()),
        (format!("{} ", base64(&run)).into_bytes(), format!("{run} ")),
        (b"n\0a\0m\0e\0".to_vec(), "name".to_owned()),
        (b"\0\0\0n\0\0\0a".to_vec(), "na".to_owned()),
    ];
    for (raw, text) in parts {
        let times = 300_000 / raw.len();
        let raw = raw.repeat(times);
        let pieces = all(&raw);
        assert!(pieces.len() > 3);
        let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes[piece.core.range()].iter().copied()).collect();
        let joined = joined.strip_suffix(b"\0").or(joined.strip_prefix(b"\0\0\0")).unwrap_or(&joined);
        assert_eq!(String::from_utf8_lossy(joined), text.repeat(times));
        let whole = decode_piece(&raw, Span::new(0, raw.len()), Span::new(0, raw.len()), true);
        let mut before = 0;
        for piece in &pieces {
            for at in (piece.core.start..piece.core.end).step_by(101) {
                assert_eq!(piece.raw(at), whole.raw(before + at - piece.core.start));
            }
            before += piece.core.len();
        }
    }
}

#[test]
fn plain_text_is_not_decoded() {
    let text =
        b"a plain \\n line, 100% \\\"ok\\\" \x1b &quot;x&quot; a=b0 f(x)=\ny = getApplicationContextInternal() \0 \xff\xfe";
    assert_eq!(all(text).len(), 0);
}

#[test]
fn no_input_panics() {
    let parts: [&[u8]; 28] = [
        b"%",
        b"%5F",
        b"\\",
        b"\\\\",
        b"\\u005f",
        b"\\n",
        b"\\x",
        b"\x1b[",
        b"\x1b[1m",
        b"&#",
        b"&#95;",
        b";",
        b"=",
        b"=\n",
        b"=3D",
        b"\n",
        b"\0",
        b"\0\0\0",
        b"a\0b\0c\0d\0e\0f\0g\0h\0i\0",
        b"YW55IGNhcm5hbCBwbGVhc3VyZS4",
        b"YW55IGNhcm5h",
        b"==",
        b"/",
        b"_",
        b"616e79206361726e616c20706c65617375",
        b"\xff\xfe",
        b"x",
        b"   ",
    ];
    let mut random = crate::rule::examples::Random::new("views");
    for _ in 0..20_000 {
        let bytes: Vec<u8> =
            (0..random.below(40)).flat_map(|_| parts[random.below(parts.len())].repeat(1 + random.below(4))).collect();
        let cut = random.below(bytes.len() + 1);
        check(&bytes, Span::new(0, bytes.len()), 0);
        check(&bytes, Span::new(cut, bytes.len().min(cut + 50)), 0);
    }
}

fn check(bytes: &[u8], core: Span, depth: usize) {
    for piece in pieces(bytes, core, true, None) {
        assert!(piece.core.end <= piece.bytes.len());
        let mut last = 0;
        for at in 0..piece.bytes.len() {
            let origin = piece.origin(Span::new(at, at + 1));
            assert!(origin.start >= last && origin.start < origin.end && origin.end <= bytes.len(), "{}", bytes.escape_ascii());
            last = origin.start;
        }
        if depth < DEPTH {
            check(&piece.bytes, piece.core, depth + 1);
        }
    }
}

/// Rule, span and view of what is found, with the spans moved by `offset`.
fn rows(sightings: &[Sighting], offset: usize) -> Vec<String> {
    let row = |sighting: &Sighting| match sighting {
        Sighting::Credential(found) => {
            Some(format!("{} {:?} {} {}", found.rule, found.span.shifted(offset), found.view.name(), found.environment))
        }
        Sighting::Fact(_) => None,
    };
    sightings.iter().filter_map(row).collect()
}

/// What is found does not depend on where the bytes are cut, by one byte or the next.
#[test]
fn no_cut_is_special() {
    let scanner = Scanner::new(RuleSet::builtin().into());
    let wide =
        |text: &str, before: &[u8], after: &[u8]| text.bytes().flat_map(|byte| [before, &[byte], after].concat()).collect();
    let key = "x\nSTRIPE_SECRET_KEY=sk_live_{stripe99}\nand more";
    let write = |template: &str| expand(&template.replace("KEY", key), "cut").unwrap();
    let lines = write("{base64of:KEY a line; a line; a line; a line; a line}")
        .as_bytes()
        .chunks(64)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    let inputs: Vec<(&str, Vec<u8>)> = vec![
        ("base64", write("data: {base64of:KEY}\n").into_bytes()),
        ("base64", lines.join(&b'\n')),
        ("base64", write("{base64of:{base64of:KEY}}").into_bytes()),
        ("hex", write("data: {hexof:KEY};").into_bytes()),
        ("html", write("KEY").replace('_', "&#95;").into_bytes()),
        ("quoted-printable", write("KEY").replace('_', "=5F").into_bytes()),
        ("utf-16", wide(&write("KEY"), b"", b"\0")),
        ("utf-16", wide(&write("KEY"), b"\0", b"")),
        ("utf-32", wide(&write("KEY"), b"", b"\0\0\0")),
        ("utf-32", wide(&write("KEY"), b"\0\0\0", b"")),
    ];
    for (view, middle) in inputs {
        let wide_around = view.starts_with("utf");
        let around =
            if wide_around { b"t\0e\0x\0t\0 \0 \0".repeat(REACH / 10) } else { b"the quick fox\\n %20 ".repeat(REACH / 16) };
        let bytes = [&around[..], &middle, &around].concat();
        let whole = rows(&scanner.scan(&bytes), 0);
        assert!(whole.len() == 1 && whole[0].contains(&format!(" {view} live")), "{view}: {whole:?}");
        for at in (around.len()..around.len() + middle.len()).step_by(7) {
            let cut = |core: Range<usize>| {
                let (start, end) = (core.start.saturating_sub(REACH), (core.end + REACH).min(bytes.len()));
                let scope = Scope { core: core.start - start..core.end - start, names: true };
                rows(&scanner.scan_within(&bytes[start..end], &scope), start)
            };
            assert_eq!([cut(0..at), cut(at..bytes.len())].concat(), whole, "{view} cut at {at}");
        }
    }
}

/// UTF-16 is text though it is full of zeros; what a binary file holds has no names.
#[test]
fn names_are_read_in_wide_text_of_what_seems_binary() {
    let scanner = Scanner::new(RuleSet::builtin().into());
    let text = expand("# payca\r\nclient_secret = {uuid4}\r\n", "wide").unwrap();
    let found = |bytes: &[u8]| scanner.scan_within(bytes, &Scope { core: 0..bytes.len(), names: false }).len();
    let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    assert_eq!((found(text.as_bytes()), found(&wide)), (0, 1));
}

#[test]
fn what_is_decoded_again_stands_where_something_was_decoded() {
    let each = |text: &str, form: fn(u8) -> String| text.bytes().map(form).collect::<String>();
    let encode = |text: &str, way: usize| match way {
        0 => each(text, |byte| format!("%{byte:02X}")),
        1 => each(text, |byte| format!("\\u{byte:04x}")),
        2 => text.replace('%', "%25").replace('\\', "%5C"),
        3 => each(text, |byte| format!("{byte:02x}")),
        4 => text.replace('&', "&amp;").replace('%', "&#37;"),
        _ => text.replace('\\', "\\u005c").replace('=', "\\u003d"),
    };
    let parts = [
        "name",
        "%6B",
        "\\u0041",
        " ",
        "=",
        "value of a slot",
        "bmFtZTogYSB2YWx1ZSBvZiBhIHNsb3Q",
        "&#107;",
        "/",
        "\n",
        "%253D",
        "-",
    ];
    let mut random = crate::rule::examples::Random::new("stretches");
    let mut again = 0;
    for _ in 0..4000 {
        let mut text = String::new();
        for _ in 0..random.below(8) {
            let part = parts[random.below(parts.len())];
            text += &if random.below(3) == 0 { encode(&encode(part, random.below(6)), random.below(6)) } else { part.to_owned() };
            text += &"x ".repeat(if random.below(4) == 0 { random.below(300) } else { 0 });
        }
        for piece in all(text.as_bytes()) {
            let core = Span::new(0, piece.bytes.len());
            let told =
                |decoded| pieces(&piece.bytes, core, true, decoded).map(|piece| (piece.start, piece.bytes)).collect::<Vec<_>>();
            let expected = told(None);
            assert_eq!(told(Some(&piece)), expected, "{text}");
            again += expected.len();
        }
    }
    assert!(again > 1000, "{again}");
}

#[test]
fn a_run_of_many_escapes_costs_no_more_than_many_runs() {
    let seconds = |text: &str| {
        let text = text.repeat(4000);
        let once = || {
            let started = std::time::Instant::now();
            for piece in all(text.as_bytes()) {
                let again = pieces(&piece.bytes, Span::new(0, piece.bytes.len()), true, Some(&piece)).count();
                assert!(again <= piece.bytes.len());
            }
            started.elapsed().as_secs_f64()
        };
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    let (one, many) = (seconds("%73k%5Flive%5F"), seconds("%73k%5Flive%20"));
    assert!(one < 20.0 * many, "{one} {many}");
}
