//! Lines 1 to 7 of the contract: watchers.

use super::*;

/// A watcher that sums the conditions it is told.
fn sums(run: &Loop, fd: RawFd, wants: PurpleInputCondition) -> (u32, Rc<Cell<u32>>) {
    let (seen, sum) = count();
    (run.watch(fd, wants, move |_, condition| sum.set(sum.get() + condition)), seen)
}

#[test]
fn two_readers_of_one_descriptor_both_fire_level_triggered() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (_, first) = sums(&run, one.as_raw_fd(), READ);
    let (_, second) = sums(&run, one.as_raw_fd(), READ);
    assert!(!run.turn());
    two.write_all(b"x").unwrap();
    for turn in [1, 2] {
        run.turn();
        assert_eq!((first.get(), second.get()), (turn, turn));
    }
}

#[test]
fn readers_and_writers_are_merged_and_leave_one_by_one() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (reader, reads) = sums(&run, one.as_raw_fd(), READ);
    let (writer, writes) = sums(&run, one.as_raw_fd(), WRITE);
    run.turn();
    assert_eq!((reads.get(), writes.get()), (0, WRITE.0));
    two.write_all(b"x").unwrap();
    run.turn();
    assert_eq!((reads.get(), writes.get()), (READ.0, 2 * WRITE.0));
    assert!(remove_input(writer));
    run.turn();
    assert_eq!((reads.get(), writes.get()), (2 * READ.0, 2 * WRITE.0));
    assert!(remove_input(reader));
    assert!(!remove_input(reader));
    assert!(!run.turn());
}

#[test]
fn a_hang_up_tells_both_conditions_and_a_half_close_is_a_read() {
    let run = Loop::new();
    let (one, two) = pair();
    let (_, reads) = sums(&run, one.as_raw_fd(), READ);
    two.shutdown(std::net::Shutdown::Write).unwrap();
    run.turn();
    assert_eq!(reads.get(), READ.0);
    drop(two);
    run.turn();
    assert_eq!(reads.get(), READ.0 + (READ | WRITE).0);
    let (_, writes) = sums(&run, one.as_raw_fd(), WRITE);
    run.turn();
    assert_eq!(writes.get(), (READ | WRITE).0);
}

#[test]
fn an_error_tells_both_conditions() {
    let run = Loop::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (_, seen) = sums(&run, writer.as_raw_fd(), READ);
    run.turn();
    assert_eq!(seen.get(), (READ | WRITE).0);
}

#[test]
fn a_descriptor_that_is_not_open_fires_writers_only() {
    let run = Loop::new();
    let (reader, reads) = sums(&run, 60_000, READ);
    assert!(!run.turn());
    let (writer, writes) = sums(&run, 60_000, WRITE);
    let (_, never) = sums(&run, -1, READ | WRITE);
    run.turn();
    assert_eq!((reads.get(), writes.get(), never.get()), (0, WRITE.0, 0));
    assert!(remove_input(reader) && remove_input(writer) && !remove_input(writer));
    assert!(!run.turn());
}

#[test]
fn a_watcher_removed_earlier_in_the_turn_is_not_called() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (three, mut four) = pair();
    let ids = Rc::new(RefCell::new(Vec::new()));
    let calls = Rc::new(Cell::new(0));
    for fd in [one.as_raw_fd(), one.as_raw_fd(), three.as_raw_fd(), three.as_raw_fd()] {
        let (all, calls) = (ids.clone(), calls.clone());
        let id = run.watch(fd, READ, move |_, _| {
            calls.set(calls.get() + 1);
            assert_eq!(all.take().into_iter().filter(|id| remove_input(*id)).count(), 4);
        });
        ids.borrow_mut().push(id);
    }
    two.write_all(b"x").unwrap();
    four.write_all(b"x").unwrap();
    run.turn();
    assert!(!run.turn());
    assert_eq!(calls.get(), 1);
}

#[test]
fn a_nested_loop_serves_the_others_and_does_not_reenter() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (three, _four) = pair();
    let (outer, calls) = count();
    let (_, others) = sums(&run, three.as_raw_fd(), WRITE);
    let (weak, seen, running) = (Rc::downgrade(&run), others.clone(), Cell::new(false));
    run.watch(one.as_raw_fd(), READ, move |_, _| {
        assert!(!running.replace(true), "re-entered");
        let before = seen.get();
        weak.upgrade().unwrap().turn();
        assert!(seen.get() > before, "the other was not served");
        calls.set(calls.get() + 1);
        running.set(false);
    });
    two.write_all(b"x").unwrap();
    run.until(|| outer.get() >= 2);
}

#[test]
fn a_nested_loop_does_not_spin_on_the_running_watcher() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (quiet, asleep) = count();
    let weak = Rc::downgrade(&run);
    run.watch(one.as_raw_fd(), READ, move |_, _| {
        let run = weak.upgrade().unwrap();
        run.turn();
        assert!(!run.turn(), "the descriptor of the running watcher is still polled");
        asleep.set(asleep.get() + 1);
    });
    two.write_all(b"x").unwrap();
    run.turn();
    assert_eq!(quiet.get(), 1);
    run.turn();
    assert_eq!(quiet.get(), 2, "the watcher was not put back after its call");
}

#[test]
fn a_nested_loop_makes_the_rest_of_the_batch_outdated() {
    let run = Loop::new();
    let pairs: Vec<_> = (0..2).map(|_| pair()).collect();
    let reads = Rc::new(Cell::new(0));
    let nested = Rc::new(Cell::new(false));
    for (one, two) in &pairs {
        let (weak, reads, nested) = (Rc::downgrade(&run), reads.clone(), nested.clone());
        run.watch(one.as_raw_fd(), READ, move |fd, _| {
            if !nested.replace(true) {
                weak.upgrade().unwrap().turn();
            }
            let mut byte = 0_u8;
            // SAFETY: one byte of room.
            let got = unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, libc::MSG_DONTWAIT) };
            assert_eq!(got, 1, "called though there was nothing to read");
            reads.set(reads.get() + 1);
        });
        (&*two).write_all(b"x").unwrap();
    }
    run.until(|| reads.get() == 2);
    assert!(!run.turn());
}

#[test]
fn a_reused_number_is_a_new_descriptor() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (three, mut four) = pair();
    let fd = high(&one, 700);
    let (old, olds) = sums(&run, 700, READ);
    drop((fd, one));
    let fd = high(&three, 700);
    let (new, news) = sums(&run, 700, READ);
    let _ = two.write_all(b"x");
    four.write_all(b"x").unwrap();
    run.turn();
    assert_eq!((olds.get(), news.get()), (0, READ.0));
    assert!(remove_input(old), "the stale watcher is still its owner's to remove");
    run.turn();
    assert_eq!(news.get(), 2 * READ.0);
    drop((fd, three));
    assert!(remove_input(new));
    assert!(!run.turn());
}

#[test]
fn a_number_reused_earlier_in_the_turn_calls_nobody_of_before() {
    let run = Loop::new();
    let calls = Rc::new(Cell::new(0));
    for number in [710, 711] {
        let (one, mut two) = pair();
        let (weak, calls, other) = (Rc::downgrade(&run), calls.clone(), 1421 - number);
        let fd = high(&one, number);
        std::mem::forget(fd); // closed below by number
        run.watch(number, READ, move |_, _| {
            calls.set(calls.get() + 1);
            // SAFETY: this test's own number; whoever is called first closes the other's.
            drop(unsafe { OwnedFd::from_raw_fd(other) });
            std::mem::forget(high(&one, other));
            weak.upgrade().unwrap().watch(other, WRITE, |_, _| {});
        });
        two.write_all(b"x").unwrap();
    }
    run.turn();
    assert_eq!(calls.get(), 1);
    for number in [710, 711] {
        // SAFETY: this test's own numbers, open still.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}

#[test]
fn a_number_closed_first_and_opened_unwatched_is_left_alone() {
    let run = Loop::new();
    let (one, _two) = pair();
    let (three, mut four) = pair();
    let fd = high(&one, 701);
    let (reader, reads) = sums(&run, 701, READ);
    let (writer, writes) = sums(&run, 701, WRITE);
    drop((fd, one));
    let _fd = high(&three, 701);
    four.write_all(b"x").unwrap();
    assert!(remove_input(reader));
    assert!(!run.turn());
    assert!(remove_input(writer));
    assert_eq!((reads.get(), writes.get()), (0, 0));
}

#[test]
fn a_registration_kept_alive_by_a_copy_does_not_spin() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (three, mut four) = pair();
    let (_, others) = sums(&run, three.as_raw_fd(), READ);
    let fd = high(&one, 702);
    let (stuck, seen) = sums(&run, 702, READ);
    drop(fd); // `one` still holds the file open
    assert!(remove_input(stuck));
    two.write_all(b"x").unwrap();
    run.turn();
    assert!(!run.turn(), "the set still reports what cannot be removed from it");
    four.write_all(b"x").unwrap();
    run.turn();
    assert_eq!((seen.get(), others.get()), (0, READ.0));
}

#[test]
fn a_copy_of_what_a_number_was_does_not_speak_for_what_it_is() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (three, mut four) = pair();
    let fd = high(&one, 704);
    let (_, olds) = sums(&run, 704, READ);
    drop(fd); // `one` still holds the file open, and the set still reports it by its number
    let _fd = high(&three, 704);
    let (_, news) = sums(&run, 704, READ);
    two.write_all(b"x").unwrap();
    run.turn();
    assert!(!run.turn(), "the set still reports the file of before");
    four.write_all(b"x").unwrap();
    run.turn();
    assert_eq!((olds.get(), news.get()), (0, READ.0));
}

#[test]
fn regular_files_are_always_ready() {
    let run = Loop::new();
    let file = std::fs::File::open("Cargo.toml").unwrap();
    let (reader, reads) = sums(&run, file.as_raw_fd(), READ);
    let (writer, writes) = sums(&run, file.as_raw_fd(), WRITE);
    run.turn();
    run.turn();
    assert_eq!((reads.get(), writes.get()), (2 * READ.0, 2 * WRITE.0));
    assert!(remove_input(reader) && remove_input(writer));
    assert!(!run.turn());
}

#[test]
fn the_pending_error_of_a_socket_is_told() {
    let _run = Loop::new();
    let (one, two) = pair();
    drop(two);
    // SAFETY: one byte from a live buffer; a failed send leaves the error to be asked for elsewhere.
    unsafe { libc::send(one.as_raw_fd(), b"x".as_ptr().cast(), 1, libc::MSG_NOSIGNAL) };
    let mut error = -1;
    // SAFETY: a place for one int.
    let answer = unsafe { purple_sys::purple_input_get_error(one.as_raw_fd(), &raw mut error) };
    assert_eq!((answer, error), (0, 0));
    // SAFETY: as above.
    let answer = unsafe { purple_sys::purple_input_get_error(-1, &raw mut error) };
    assert_eq!(answer, -1);
}

#[test]
fn a_long_turn_is_broken_off_and_nothing_in_it_is_lost_or_starved() {
    let run = Loop::new();
    let sockets: Vec<_> = (0..3).map(|_| pair()).collect();
    let order = Rc::new(RefCell::new(Vec::new()));
    for (number, (one, two)) in sockets.iter().enumerate() {
        let order = order.clone();
        run.watch(one.as_raw_fd(), READ, move |_, _| {
            // Each has more to do than a turn is long, for ever.
            order.borrow_mut().push(number);
            std::thread::sleep(Duration::from_millis(15));
        });
        (&mut &*two).write_all(b"x").unwrap();
    }
    let (timers, timer) = count();
    run.timer(0, move || {
        timer.set(timer.get() + 1);
        true
    });
    for turn in 1..=7 {
        run.turn();
        assert_eq!(order.borrow().len(), turn, "one at a time");
        assert_eq!(timers.get() as usize, turn);
    }
    // The first turn took all three and did one; from then on each has its turn.
    let order = order.borrow();
    let count = |number: usize| order.iter().skip(1).filter(|done| **done == number).count();
    assert_eq!([count(0), count(1), count(2)], [2, 2, 2], "{order:?}");
}
