//! What is read when it is first asked for: a scan asks for a few rules of hundreds, and should not wait for the others.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// Text that is part of the program, or of a file that was read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Cow<'static, str>);

impl Text {
    /// The text as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its bytes from one of them on.
    pub fn bytes_from(&self, start: usize) -> Cow<'static, [u8]> {
        match &self.0 {
            Cow::Borrowed(text) => text.as_bytes()[start..].into(),
            Cow::Owned(text) => text.as_bytes()[start..].to_vec().into(),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }
}

impl<'de: 'static> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&str>::deserialize(from).map(|text| Self(text.into()))
    }
}

/// A value that is part of the program, in the form that postcard gives it, until it is first asked for.
#[derive(Clone)]
pub struct Late<T> {
    bytes: &'static [u8],
    value: OnceLock<Box<T>>,
}

impl<T> Late<T> {
    /// A value that is here already.
    pub fn new(value: T) -> Self {
        Self { bytes: &[], value: OnceLock::from(Box::new(value)) }
    }
}

impl<T: Deserialize<'static>> Deref for Late<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let read = || postcard::from_bytes(self.bytes).expect("the built-in rules were written by a test");
        self.value.get_or_init(|| Box::new(read()))
    }
}

impl<T: Deserialize<'static>> DerefMut for Late<T> {
    fn deref_mut(&mut self) -> &mut T {
        let _: &T = self;
        self.value.get_mut().expect("it was read just now")
    }
}

impl<T: Deserialize<'static> + Serialize> Serialize for Late<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&postcard::to_stdvec(&**self).map_err(ser::Error::custom)?)
    }
}

impl<'de: 'static, T> Deserialize<'de> for Late<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { bytes: <&[u8]>::deserialize(from)?, value: OnceLock::new() })
    }
}

impl<T: Deserialize<'static> + fmt::Debug> fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_what_was_written() {
        let written = Late::new(vec![Text::from("a".to_owned()), Text::from("b".to_owned())]);
        let bytes: &'static [u8] = postcard::to_stdvec(&(1_u8, &written, 2_u8)).unwrap().leak();
        let (before, mut late, behind): (u8, Late<Vec<Text>>, u8) = postcard::from_bytes(bytes).unwrap();
        assert_eq!((before, behind), (1, 2));
        assert!(late.value.get().is_none());
        assert!(*late == *written);
        assert_eq!(format!("{late:?}"), r#"["a", "b"]"#);
        late.push("c".to_owned().into());
        assert_eq!(late.len(), 3);
        let mut unread: Late<Vec<Text>> = postcard::from_bytes(&bytes[1..]).unwrap();
        unread.pop();
        assert_eq!(unread.len(), 1);
    }
}
