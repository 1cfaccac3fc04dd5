//! Time as RFC 3339, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// A time in UTC, in seconds: `2026-11-22T06:00:00Z`.
pub fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads a date, or a date and a time, with or without a zone (then UTC), from the start of a text;
/// says how long it is.
pub fn parse(text: &[u8]) -> Option<(SystemTime, usize)> {
    let number = |from: usize, digits: usize| -> Option<u16> {
        let part = text.get(from..from + digits)?;
        let text = std::str::from_utf8(part).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        text.parse().ok()
    };
    let sign = |at: usize, wanted: &[u8]| text.get(at).is_some_and(|byte| wanted.contains(byte));
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    (sign(4, b"-/") && sign(7, b"-/")).then_some(())?;
    let day = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let mut seconds = u64::try_from(Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?.as_second()).ok()?;
    let mut end = 10;
    if sign(10, b"T t") && sign(13, b":") {
        seconds += u64::from(number(11, 2)?) * 3600 + u64::from(number(14, 2)?) * 60;
        end = 16;
        if sign(16, b":") {
            seconds += u64::from(number(17, 2)?);
            end = 19;
        }
        if sign(end, b".,") {
            end += 1 + text[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
    }
    let mut time = UNIX_EPOCH + Duration::from_secs(seconds);
    if sign(end, b"Z") {
        end += 1;
    } else if end > 10 && sign(end, b"+-") {
        let minutes = number(end + 4, 2).or_else(|| number(end + 3, 2)).unwrap_or(0);
        let zone = Duration::from_secs(u64::from(number(end + 1, 2)?) * 3600 + u64::from(minutes) * 60);
        time = if text[end] == b'+' { time.checked_sub(zone)? } else { time + zone };
        end += if sign(end + 3, b":") { 6 } else { 5 };
    }
    Some((time, end.min(text.len())))
}

/// The time that stands near the beginning of a record, as the record writes it.
pub fn of_record(record: &[u8]) -> Option<(SystemTime, &[u8])> {
    let head = &record[..record.len().min(400)];
    (0..head.len().saturating_sub(9)).find_map(|at| {
        let starts = head[at].is_ascii_digit() && (at == 0 || !head[at - 1].is_ascii_alphanumeric());
        let readings = [parse, common, epoch];
        let (time, length) = starts.then(|| readings.iter().find_map(|read| read(&record[at..]))).flatten()?;
        (length > 10).then(|| (time, &record[at..at + length]))
    })
}

/// `12/Mar/2026:09:11:07 +0000`, as web servers write it.
fn common(text: &[u8]) -> Option<(SystemTime, usize)> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let text = std::str::from_utf8(text.get(..26)?).ok()?;
    let month = text.get(3..6).filter(|_| text.as_bytes()[2] == b'/' && text.as_bytes()[6] == b'/')?;
    let month = MONTHS.find(month)? / 3 + 1;
    let zone = format!("{}:{}", text.get(21..24)?, text.get(24..26)?);
    let iso = format!("{}-{month:02}-{}T{}{zone}", text.get(7..11)?, text.get(..2)?, text.get(12..20)?);
    parse(iso.as_bytes()).map(|(time, _)| (time, 26))
}

/// Milliseconds since 1970, as pino writes them: thirteen digits of this century.
fn epoch(text: &[u8]) -> Option<(SystemTime, usize)> {
    let digits = text.iter().take(14).take_while(|byte| byte.is_ascii_digit()).count();
    let number: u64 = std::str::from_utf8(text.get(..13)?).ok()?.parse().ok()?;
    let time = UNIX_EPOCH + Duration::from_millis(number);
    (digits == 13 && (1_000_000_000_000..4_000_000_000_000).contains(&number)).then_some((time, 13))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-22T06:00:00Z"] {
            let (time, length) = parse(text.as_bytes()).unwrap();
            assert_eq!((rfc3339(time).as_str(), length), (text, text.len()));
        }
        let at = |text: &str| rfc3339(parse(text.as_bytes()).unwrap().0);
        assert_eq!(at("2026-11-22"), "2026-11-22T00:00:00Z");
        assert_eq!(at("2026-11-22T08:00:00+02:00"), "2026-11-22T06:00:00Z");
        assert_eq!(at("2026-11-22 06:00:00,123 INFO"), "2026-11-22T06:00:00Z");
        assert_eq!(at("2026-11-22T01:00:00.5-0500"), "2026-11-22T06:00:00Z");
        for none in ["", "tomorrow", "2026-13-01", "12-11-2026", "2026-11"] {
            assert!(parse(none.as_bytes()).is_none(), "{none}");
        }
        let clf = b"10.0.0.1 - - [12/Mar/2026:09:11:07 +0100] \"GET / HTTP/1.1\"";
        assert_eq!(rfc3339(of_record(clf).unwrap().0), "2026-03-12T08:11:07Z");
        let pino = b"{\"level\":30,\"time\":1763791200000,\"msg\":\"x\"}";
        assert_eq!(rfc3339(of_record(pino).unwrap().0), "2025-11-22T06:00:00Z");
        let record = b"{\"level\":30,\"time\":\"2026-11-22T06:00:00.123Z\",\"msg\":\"x\"}";
        assert_eq!(of_record(record).unwrap().1, b"2026-11-22T06:00:00.123Z");
    }
}
