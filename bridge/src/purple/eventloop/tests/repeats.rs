//! Line 8 of the contract and the rest of a turn: timers, idle calls, whom they run for, and what is counted.

use super::*;
use crate::id::AccountId;
use crate::purple::owner;

#[test]
fn a_timer_fires_after_its_interval_and_ends_when_it_says_so() {
    let run = Loop::new();
    let (calls, call) = count();
    let start = Instant::now();
    let id = run.timer(30, move || {
        call.set(call.get() + 1);
        call.get() < 2
    });
    run.until(|| calls.get() == 1);
    assert!(start.elapsed() >= Duration::from_millis(29), "{:?}", start.elapsed());
    run.until(|| calls.get() == 2);
    assert!(start.elapsed() >= Duration::from_millis(59), "{:?}", start.elapsed());
    assert!(!remove_timeout(id));
}

#[test]
fn a_zero_repeater_starves_neither_descriptors_nor_other_timers() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (reads, read) = count();
    let (timers, timer) = count();
    let (other, others) = count();
    run.watch(one.as_raw_fd(), READ, move |_, _| read.set(read.get() + 1));
    run.timer(0, move || {
        timer.set(timer.get() + 1);
        true
    });
    run.timer(0, move || {
        others.set(others.get() + 1);
        true
    });
    two.write_all(b"x").unwrap();
    for turn in 1..=3 {
        run.turn();
        assert_eq!((reads.get(), timers.get(), other.get()), (turn, turn, turn));
    }
}

#[test]
fn self_removal_wins_and_a_due_timer_removed_by_another_is_not_called() {
    let run = Loop::new();
    let ids = Rc::new(RefCell::new(Vec::new()));
    let (calls, call) = count();
    for _ in 0..2 {
        let (ids, call) = (ids.clone(), call.clone());
        let all = ids.clone();
        let id = run.timer(0, move || {
            call.set(call.get() + 1);
            assert_eq!(all.take().into_iter().filter(|id| remove_timeout(*id)).count(), 2);
            true
        });
        ids.borrow_mut().push(id);
    }
    run.turn();
    assert!(!run.turn());
    assert_eq!(calls.get(), 1);
}

#[test]
fn seconds_timers_added_in_one_half_second_fire_in_one_turn() {
    let run = Loop::new();
    loop {
        run.until(|| state::now() % 1_000_000 < 100_000);
        let start = Instant::now();
        let turns = Rc::new(Cell::new(0));
        let fired = Rc::new(RefCell::new(Vec::new()));
        let (added, adding) = count();
        for wait in [0, 30, 60] {
            let (turns, fired, adding) = (turns.clone(), fired.clone(), adding.clone());
            let data = run.on_timer(move || {
                fired.borrow_mut().push(turns.get());
                false
            });
            run.timer(wait, move || {
                // SAFETY: the closure lives as long as the loop.
                unsafe { purple_sys::purple_timeout_add_seconds(1, Some(call_timer), data) };
                adding.set(adding.get() + 1);
                false
            });
        }
        run.until(|| added.get() == 3);
        let in_time = start.elapsed() < Duration::from_millis(390);
        run.until(|| {
            turns.set(turns.get() + 1);
            fired.borrow().len() == 3
        });
        if in_time {
            let seen = fired.borrow();
            assert!(seen.iter().all(|turn| *turn == seen[0]), "{seen:?}");
            return;
        }
    }
}

#[test]
fn an_idle_call_waits_for_everything_else() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let order = Rc::new(RefCell::new(Vec::new()));
    let (idle, read) = (order.clone(), order.clone());
    let data = run.on_timer(move || {
        idle.borrow_mut().push("idle");
        false
    });
    // The executable's g_idle_add, as a plugin would find it.
    // SAFETY: the closure lives as long as the loop.
    let id = unsafe { glib_sys::g_idle_add(Some(call_timer), data) };
    assert!(id >= FIRST);
    let watcher = Rc::new(Cell::new(0));
    let own = watcher.clone();
    watcher.set(run.watch(one.as_raw_fd(), READ, move |_, _| {
        read.borrow_mut().push("read");
        assert!(remove_timeout(own.get()), "either remover takes either id");
    }));
    two.write_all(b"x").unwrap();
    run.turn();
    assert_eq!(*order.borrow(), ["read"]);
    run.turn();
    assert_eq!(*order.borrow(), ["read", "idle"]);
    assert!(!run.turn());
    assert!(!remove_input(id));
}

#[test]
fn an_idle_repeater_is_called_once_a_turn() {
    let run = Loop::new();
    let (calls, call) = count();
    let data = run.on_timer(move || {
        call.set(call.get() + 1);
        call.get() < 100
    });
    // SAFETY: the closure lives as long as the loop.
    unsafe { glib_sys::g_idle_add(Some(call_timer), data) };
    for turn in 1..=3 {
        run.turn();
        assert_eq!(calls.get(), turn);
    }
}

#[test]
fn watchers_and_timers_run_for_the_account_that_made_them() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (input, timer, own, idle) = (seen.clone(), seen.clone(), seen.clone(), seen.clone());
    let watcher =
        owner::with(Some(AccountId(1)), || run.watch(one.as_raw_fd(), READ, move |_, _| input.borrow_mut().push(owner::current())));
    owner::with(Some(AccountId(2)), || {
        run.timer(0, move || {
            timer.borrow_mut().push(owner::current());
            false
        })
    });
    owner::with(Some(AccountId(3)), || {
        let data = run.on_timer(move || {
            idle.borrow_mut().push(owner::current());
            false
        });
        // SAFETY: the closure lives as long as the loop.
        unsafe { glib_sys::g_idle_add(Some(call_timer), data) }
    });
    run.timer(0, move || {
        own.borrow_mut().push(owner::current());
        false
    });
    two.write_all(b"x").unwrap();
    run.turn();
    assert_eq!(owner::current(), None);
    let firsts = seen.borrow().clone();
    assert_eq!(firsts, [Some(AccountId(1)), Some(AccountId(2)), None]);
    assert!(remove_input(watcher));
    run.until(|| seen.borrow().contains(&Some(AccountId(3))));
}

#[test]
fn turns_events_and_timers_are_counted() {
    let run = Loop::new();
    let (one, mut two) = pair();
    run.watch(one.as_raw_fd(), READ, |_, _| {});
    run.timer(0, || false);
    two.write_all(b"x").unwrap();
    let before = loop_counters();
    run.turn();
    run.turn();
    let after = loop_counters();
    assert_eq!((after.turns - before.turns, after.events - before.events, after.timers - before.timers), (2, 2, 1));
    assert!(after.longest_turn > 0);
}
