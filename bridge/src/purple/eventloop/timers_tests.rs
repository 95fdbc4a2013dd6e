//! The timer heap by itself, with a clock of its own.

use super::*;

unsafe extern "C" fn nothing(_: gpointer) -> gboolean {
    0
}

fn c(data: usize) -> Call {
    Call { function: nothing, data: std::ptr::without_provenance_mut(data) }
}

fn every(timers: &mut Timers, id: u32, interval: i64, now: i64) {
    timers.add(id, Rhythm::Every(interval), c(1), None, now);
}

/// The ids of one pass, in order; each timer answers `again`.
fn pass(timers: &mut Timers, now: i64, again: bool) -> Vec<u32> {
    let pass = timers.begin(now);
    let mut fired = Vec::new();
    while let Some((id, _, _)) = timers.next_due(pass) {
        fired.push(id);
        timers.ran(id, again, pass);
    }
    fired
}

#[test]
fn first_due_after_the_interval_then_repeats_from_dispatch() {
    let mut timers = Timers::new();
    every(&mut timers, 1, 100, 1000);
    assert_eq!(timers.next_at(), Some(1100));
    assert!(pass(&mut timers, 1099, true).is_empty());
    assert_eq!(pass(&mut timers, 1150, true), [1]);
    assert_eq!(timers.next_at(), Some(1250));
    assert_eq!(pass(&mut timers, 1250, false), [1]);
    assert_eq!(timers.next_at(), None);
    assert!(!timers.contains(1));
}

#[test]
fn a_zero_repeater_fires_once_a_pass_and_in_order() {
    let mut timers = Timers::new();
    for id in [1, 2, 3] {
        every(&mut timers, id, 0, 1000);
    }
    assert_eq!(pass(&mut timers, 1000, true), [1, 2, 3]);
    assert_eq!(pass(&mut timers, 1000, true), [1, 2, 3]);
}

#[test]
fn what_is_added_in_a_pass_waits_for_the_next() {
    let mut timers = Timers::new();
    every(&mut timers, 1, 0, 1000);
    let running = timers.begin(1000);
    let (id, _, _) = timers.next_due(running).unwrap();
    every(&mut timers, 2, 0, 1000);
    timers.ran(id, false, running);
    assert!(timers.next_due(running).is_none());
    assert_eq!(pass(&mut timers, 1000, false), [2]);
}

#[test]
fn self_removal_wins_over_true_and_a_removed_due_timer_is_not_called() {
    let mut timers = Timers::new();
    every(&mut timers, 1, 0, 1000);
    every(&mut timers, 2, 0, 1000);
    let running = timers.begin(1000);
    let (id, _, _) = timers.next_due(running).unwrap();
    assert!(timers.remove(1));
    assert!(!timers.remove(1));
    assert!(timers.remove(2));
    timers.ran(id, true, running);
    assert!(timers.next_due(running).is_none());
    assert_eq!(timers.next_at(), None);
}

#[test]
fn a_running_timer_is_not_started_again_by_a_nested_pass() {
    let mut timers = Timers::new();
    every(&mut timers, 1, 0, 1000);
    every(&mut timers, 2, 0, 1000);
    let outer = timers.begin(1000);
    let (id, _, _) = timers.next_due(outer).unwrap();
    assert_eq!(pass(&mut timers, 5000, true), [2]);
    timers.ran(id, true, outer);
    assert!(timers.next_due(outer).is_none());
}

#[test]
fn seconds_timers_fire_together_on_the_nearest_tick() {
    let mut timers = Timers::new();
    for (id, now) in [(1, 10_600_000), (2, 11_000_000), (3, 11_499_999)] {
        timers.add(id, Rhythm::Seconds(1), c(1), None, now);
    }
    assert_eq!(timers.next_at(), Some(12_000_000));
    assert_eq!(pass(&mut timers, 12_000_300, true), [1, 2, 3]);
    assert_eq!(timers.next_at(), Some(13_000_000));
}

#[test]
fn removal_by_data_takes_one_at_a_time() {
    let mut timers = Timers::new();
    timers.add(1, Rhythm::Every(5), c(64), None, 0);
    timers.add(2, Rhythm::Idle, c(64), None, 0);
    timers.add(3, Rhythm::Every(5), c(128), None, 0);
    let data = std::ptr::without_provenance_mut(64);
    assert!(timers.remove_by_data(data) && timers.remove_by_data(data));
    assert!(!timers.remove_by_data(data));
    assert!(!timers.idle_waits());
    assert_eq!(pass(&mut timers, 5, true), [3]);
    assert!(timers.remove_by_data(std::ptr::without_provenance_mut(128)));
    assert!(timers.by_data.is_empty());
}

#[test]
fn removed_timers_do_not_pile_up() {
    let mut timers = Timers::new();
    every(&mut timers, 1, 1_000_000, 0);
    for id in 2..10_000 {
        every(&mut timers, id, 90_000_000, 0);
        timers.remove(id);
    }
    assert!(timers.heap_len() < 200, "{}", timers.heap_len());
    assert_eq!(timers.next_at(), Some(1_000_000));
}
