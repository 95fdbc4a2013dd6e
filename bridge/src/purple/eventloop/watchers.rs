//! Watchers of descriptors: who is to be called for what, merged per descriptor and told to the kernel; it calls nobody itself.

use super::epoll::{Epoll, Event, Told};
use super::ids::FastMap;
use crate::id::AccountId;
use glib_sys::gpointer;
use purple_sys::PurpleInputCondition as Condition;
use std::os::fd::RawFd;

const READ: u32 = Condition::PURPLE_INPUT_READ.0;
const WRITE: u32 = Condition::PURPLE_INPUT_WRITE.0;
const EPOLLIN: u32 = libc::EPOLLIN as u32;
const EPOLLOUT: u32 = libc::EPOLLOUT as u32;
const BROKEN: u32 = (libc::EPOLLHUP | libc::EPOLLERR) as u32;

/// A call to be made for one watcher.
#[derive(Clone, Copy)]
pub(super) struct Callback {
    pub(super) function: unsafe extern "C" fn(gpointer, RawFd, Condition),
    pub(super) data: gpointer,
    pub(super) fd: RawFd,
    pub(super) owner: Option<AccountId>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In the set.
    Polled,
    /// Ready without asking, with these conditions: a regular file, or the NVAL of a descriptor that is not open.
    Always(u32),
    /// Its descriptor is gone: to be removed by its owner, never called.
    Nowhere,
}

struct Watcher {
    callback: Callback,
    wants: u32,
    place: Place,
    running: bool,
    /// Left out of the set while it runs, because a nested loop would spin on it.
    muted: bool,
}

#[derive(Default)]
struct Descriptor {
    /// Which registration of this number the kernel reports for; changes with each.
    registration: u32,
    /// What the kernel was told; 0 when nothing is registered.
    events: u32,
    watchers: Vec<u32>,
}

/// A watcher to be called, and the conditions it is to be told.
pub(super) type Hit = (u32, Condition);

pub(super) struct Watchers {
    epoll: Epoll,
    watchers: FastMap<u32, Watcher>,
    descriptors: Vec<Descriptor>,
    always: Vec<u32>,
    registration: u32,
}

fn events_of(wants: u32) -> u32 {
    (if wants & READ != 0 { EPOLLIN } else { 0 }) | (if wants & WRITE != 0 { EPOLLOUT } else { 0 })
}

/// What a watcher is told for these events: both bits when the descriptor is broken, as `g_io_add_watch` has it; 0 for "not called".
fn told(wants: u32, events: u32) -> u32 {
    if events & BROKEN != 0 {
        return READ | WRITE;
    }
    wants & ((if events & EPOLLIN != 0 { READ } else { 0 }) | (if events & EPOLLOUT != 0 { WRITE } else { 0 }))
}

fn key(registration: u32, fd: RawFd) -> u64 {
    u64::from(registration) << 32 | u64::from(fd.cast_unsigned())
}

impl Watchers {
    pub(super) fn new(epoll: Epoll) -> Self {
        Self { epoll, watchers: FastMap::default(), descriptors: Vec::new(), always: Vec::new(), registration: 0 }
    }

    pub(super) fn raw(&self) -> RawFd {
        self.epoll.raw()
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.watchers.contains_key(&id)
    }

    /// Adds a watcher. It is there even when its descriptor cannot be watched: the owner removes it as any other.
    pub(super) fn add(&mut self, id: u32, wants: u32, callback: Callback) {
        let wants = wants & (READ | WRITE);
        let place = self.place(callback.fd, wants);
        match place {
            Place::Polled => self.descriptor(callback.fd).watchers.push(id),
            Place::Always(_) => self.always.push(id),
            Place::Nowhere => {}
        }
        self.watchers.insert(id, Watcher { callback, wants, place, running: false, muted: false });
    }

    fn descriptor(&mut self, fd: RawFd) -> &mut Descriptor {
        let index = usize::try_from(fd).unwrap_or(0);
        if index >= self.descriptors.len() {
            self.descriptors.resize_with(index + 1, Descriptor::default);
        }
        &mut self.descriptors[index]
    }

    fn known(&self, fd: RawFd) -> Option<&Descriptor> {
        self.descriptors.get(usize::try_from(fd).ok()?)
    }

    /// Tells the kernel of one watcher more. The number may have been closed and opened again since anyone last asked: the kernel knows.
    fn place(&mut self, fd: RawFd, wants: u32) -> Place {
        if fd < 0 || wants == 0 {
            return Place::Nowhere;
        }
        let (registered, registration) = self.known(fd).map_or((0, 0), |known| (known.events, known.registration));
        let mut answer = Told::Missing;
        if registered != 0 {
            let events = registered | events_of(wants);
            answer = self.epoll.change(fd, events, key(registration, fd));
            if answer == Told::Done {
                self.descriptor(fd).events = events;
                return Place::Polled;
            }
            self.forget(fd);
        }
        if answer == Told::Missing {
            answer = self.register(fd, events_of(wants));
        }
        match answer {
            Told::Done => Place::Polled,
            Told::Unpollable => Place::Always(wants),
            Told::Closed => Place::Always(wants & WRITE),
            other => {
                log::error!(target: "bridge", "cannot watch descriptor {fd}: {other:?}");
                Place::Nowhere
            }
        }
    }

    fn register(&mut self, fd: RawFd, events: u32) -> Told {
        self.registration = self.registration.wrapping_add(1);
        let registration = self.registration;
        let mut answer = self.epoll.add(fd, events, key(registration, fd));
        if answer == Told::Present {
            answer = self.epoll.change(fd, events, key(registration, fd));
        }
        if answer == Told::Done {
            let descriptor = self.descriptor(fd);
            descriptor.registration = registration;
            descriptor.events = events;
        }
        answer
    }

    /// The number is no longer the file it was: its watchers are never called again.
    fn forget(&mut self, fd: RawFd) {
        let descriptor = self.descriptor(fd);
        descriptor.events = 0;
        let mut watchers = std::mem::take(&mut descriptor.watchers);
        for id in &watchers {
            if let Some(watcher) = self.watchers.get_mut(id) {
                watcher.place = Place::Nowhere;
            }
        }
        watchers.clear();
        self.descriptor(fd).watchers = watchers;
    }

    /// Brings the kernel's view of a descriptor in line with its watchers.
    fn settle(&mut self, fd: RawFd) {
        let Some(descriptor) = self.known(fd) else { return };
        let unmuted = descriptor.watchers.iter().filter_map(|id| self.watchers.get(id)).filter(|watcher| !watcher.muted);
        let events = unmuted.fold(0, |events, watcher| events | events_of(watcher.wants));
        let (registered, registration) = (descriptor.events, descriptor.registration);
        if events == registered {
            return;
        }
        let answer = if events == 0 {
            self.descriptor(fd).events = 0;
            self.epoll.remove(fd);
            return;
        } else if registered == 0 {
            self.register(fd, events)
        } else {
            self.epoll.change(fd, events, key(registration, fd))
        };
        if answer == Told::Done {
            self.descriptor(fd).events = events;
        } else {
            self.forget(fd);
        }
    }

    /// Removes a watcher; `false` when there is none of this id. Also while it runs.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let Some(watcher) = self.watchers.remove(&id) else { return false };
        match watcher.place {
            Place::Polled => {
                let fd = watcher.callback.fd;
                self.descriptor(fd).watchers.retain(|other| *other != id);
                self.settle(fd);
            }
            Place::Always(_) => self.always.retain(|other| *other != id),
            Place::Nowhere => {}
        }
        true
    }

    /// Whether a watcher is ready without asking the kernel.
    pub(super) fn always_ready(&self) -> bool {
        self.always.iter().any(|id| self.always_told(*id) != 0)
    }

    fn always_told(&self, id: u32) -> u32 {
        match self.watchers.get(&id) {
            Some(Watcher { place: Place::Always(conditions), running: false, .. }) => *conditions,
            _ => 0,
        }
    }

    /// Writes down who is to be called now.
    pub(super) fn collect(&mut self, events: &mut [Event], hits: &mut Vec<Hit>) {
        let mut ready = self.epoll.ready(events);
        if events[..ready].iter().any(|event| self.ready_descriptor(event).is_none()) {
            self.rebuild();
            ready = self.epoll.ready(events);
        }
        for event in &events[..ready] {
            let Some(descriptor) = self.ready_descriptor(event) else { continue };
            for id in &descriptor.watchers {
                let conditions = self.watchers.get(id).map_or(0, |watcher| told(watcher.wants, event.events));
                if conditions != 0 {
                    hits.push((*id, Condition(conditions)));
                }
            }
        }
        for id in &self.always {
            let conditions = self.always_told(*id);
            if conditions != 0 {
                hits.push((*id, Condition(conditions)));
            }
        }
    }

    fn ready_descriptor(&self, event: &Event) -> Option<&Descriptor> {
        let key = event.u64;
        let fd = RawFd::try_from(key & 0xffff_ffff).ok()?;
        let registration = u32::try_from(key >> 32).ok()?;
        self.known(fd).filter(|known| known.events != 0 && known.registration == registration)
    }

    /// A file closed under its registration while something else holds it open is reported for ever, and cannot be removed: start afresh.
    fn rebuild(&mut self) {
        let done = Epoll::new().and_then(|fresh| self.epoll.replace(&fresh));
        if let Err(error) = done {
            log::error!(target: "bridge", "cannot renew the epoll set: {error}");
            return;
        }
        for index in 0..self.descriptors.len() {
            let events = self.descriptors[index].events;
            let Ok(fd) = RawFd::try_from(index) else { return };
            if events != 0 && self.register(fd, events) != Told::Done {
                self.forget(fd);
            }
        }
    }

    /// The call to make, unless the watcher was removed since, or runs already (then it is muted until it is done).
    pub(super) fn start(&mut self, id: u32) -> Option<Callback> {
        let watcher = self.watchers.get_mut(&id)?;
        if watcher.place == Place::Nowhere {
            return None;
        }
        let callback = watcher.callback;
        if watcher.running {
            watcher.muted = true;
            self.settle(callback.fd);
            return None;
        }
        watcher.running = true;
        Some(callback)
    }

    /// The call is done.
    pub(super) fn ran(&mut self, id: u32) {
        let Some(watcher) = self.watchers.get_mut(&id) else { return };
        watcher.running = false;
        if std::mem::take(&mut watcher.muted) {
            let fd = watcher.callback.fd;
            self.settle(fd);
        }
    }
}
