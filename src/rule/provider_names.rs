//! Providers by the words that name them.

use std::sync::Arc;

use super::{Pack, ProviderFacts, name};

/// The words that name a provider, together.
#[derive(Debug, Default)]
pub(super) struct ProviderNames {
    /// Those with the same first bytes stand together.
    begins: Vec<Beginning>,
}

/// Names that begin in the same way.
#[derive(Clone, Debug, Default)]
struct Beginning {
    /// How long they are: most words are no name, and need no look at the names.
    lengths: u32,
    names: Vec<ProviderName>,
}

/// A word, or some together, and the provider that it names.
#[derive(Clone, Debug)]
struct ProviderName {
    name: Box<[u8]>,
    /// Wherever it stands, not at the beginning only.
    anywhere: bool,
    provider: usize,
}

impl ProviderNames {
    /// The shortest name.
    const SHORTEST: usize = 4;
    /// Names from this length on count as equally long.
    pub(super) const LONG: usize = 31;
    /// How many beginnings are told apart.
    const BEGINNINGS: usize = 1 << 12;

    pub(super) fn of(providers: &[Arc<ProviderFacts>]) -> Self {
        let mut names = Self { begins: vec![Beginning::default(); Self::BEGINNINGS] };
        let of_payments = |provider: &Arc<ProviderFacts>| provider.pack == Pack::Payments && !provider.is_general();
        for (at, provider) in providers.iter().enumerate().filter(|(_, provider)| of_payments(provider)) {
            for marker in provider.markers.iter().filter(|marker| !marker.contains('.')) {
                names.add(marker, true, at);
            }
            for slot in &provider.slots {
                let core = slot.source().strip_suffix("_*").unwrap_or(slot.source());
                let (core, anywhere) = core.strip_prefix('*').map_or((core, false), |core| (core, true));
                if !core.contains('*') {
                    names.add(core, anywhere, at);
                }
            }
        }
        names
    }

    fn add(&mut self, name: &str, anywhere: bool, provider: usize) {
        let name = name::normalise(name.as_bytes()).into_bytes().into_boxed_slice();
        if let Some(beginning) = Self::beginning(&name) {
            let Beginning { lengths, names } = &mut self.begins[beginning];
            *lengths |= 1 << name.len().min(Self::LONG);
            // Of several providers with one name the first.
            if !names.iter().any(|known| known.name == name && known.anywhere == anywhere) {
                names.push(ProviderName { name, anywhere, provider });
            }
        }
    }

    /// A number for the first bytes of a name, if it is long enough.
    fn beginning(name: &[u8]) -> Option<usize> {
        let first = name.first_chunk::<{ Self::SHORTEST }>()?;
        Some(u32::from_le_bytes(*first).wrapping_mul(0x9E37_79B1) as usize >> 20 & (Self::BEGINNINGS - 1))
    }

    /// Which lengths a name that begins so may have, as bits.
    pub(super) fn lengths(&self, name: &[u8]) -> u32 {
        Self::beginning(name).map_or(0, |beginning| self.begins[beginning].lengths)
    }

    pub(super) fn get(&self, name: &[u8], at_start: bool) -> Option<usize> {
        let names = &self.begins[Self::beginning(name)?].names;
        let find = |anywhere: bool| names.iter().find(|known| known.anywhere == anywhere && *known.name == *name);
        find(true).or_else(|| find(false).filter(|_| at_start)).map(|known| known.provider)
    }
}
