//! Ids for things that come and go: a slot and its generation, so that the id of a thing that is gone never finds another; it owns, it does not free.

use std::sync::atomic::{AtomicU16, Ordering};

/// Bits of an id: 16 of this libpurple's number, 24 of the slot's generation, 24 of the slot.
const BITS: u32 = 24;
const MASK: u64 = (1 << BITS) - 1;

static NUMBER: AtomicU16 = AtomicU16::new(0);

/// Another number for each libpurple of a site, so that their ids never meet. Before the first id is given.
pub(crate) fn set_number(number: u16) {
    NUMBER.store(number, Ordering::Relaxed);
}

fn id_of(generation: u32, index: u64) -> u64 {
    u64::from(NUMBER.load(Ordering::Relaxed)) << (2 * BITS) | u64::from(generation) << BITS | index
}

/// An id that nobody can guess, with this libpurple's number; it is not `taken`, and never 0.
pub(crate) fn random_id(taken: impl Fn(u64) -> bool) -> u64 {
    const OWN: u64 = (1 << (2 * BITS)) - 1;
    // Without the system's random numbers, one that nobody has.
    let random = getrandom::u64().unwrap_or_default();
    let number = u64::from(NUMBER.load(Ordering::Relaxed)) << (2 * BITS);
    let mut ids = (1..).map(|more| random.wrapping_add(more) & OWN).filter(|own| *own != 0).map(|own| number | own);
    // There are more ids than anything is taken.
    ids.find(|id| !taken(*id)).unwrap_or_default()
}

/// A table whose ids are never used twice.
pub(crate) struct Registry<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Puts it in; the id is never 0.
    pub(crate) fn insert(&mut self, value: T) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            if (self.slots.len() as u64) < MASK {
                self.slots.push(Slot { generation: 0, value: None });
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            } else {
                u32::MAX
            }
        });
        let Some(slot) = self.slots.get_mut(index as usize) else { return 0 };
        slot.generation += 1;
        slot.value = Some(value);
        id_of(slot.generation, u64::from(index))
    }

    fn slot(&self, id: u64) -> Option<usize> {
        let index = id & MASK;
        let place = usize::try_from(index).ok()?;
        self.slots.get(place).filter(|slot| id_of(slot.generation, index) == id).map(|_| place)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        self.slots.get(self.slot(id)?)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let index = self.slot(id)?;
        self.slots.get_mut(index)?.value.as_mut()
    }

    /// Takes it out, once.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let index = self.slot(id)?;
        let slot = self.slots.get_mut(index)?;
        let value = slot.value.take()?;
        if u64::from(slot.generation) < MASK {
            self.free.push(u32::try_from(index).ok()?);
        }
        Some(value)
    }

    /// Everything that is in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let id = id_of(slot.generation, index as u64);
            slot.value.as_ref().map(|value| (id, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_good_once_and_never_for_another() {
        let mut registry = Registry::new();
        let first = registry.insert("first");
        assert_eq!(registry.get(first), Some(&"first"));
        assert_eq!(registry.remove(first), Some("first"));
        assert_eq!(registry.remove(first), None);
        let second = registry.insert("second");
        assert_ne!(first, second);
        assert_eq!(registry.get(first), None);
        assert_eq!(registry.get(second), Some(&"second"));
        assert_eq!(registry.get(0), None);
        assert_eq!(registry.iter().map(|(id, _)| id).collect::<Vec<_>>(), [second]);
    }
}
