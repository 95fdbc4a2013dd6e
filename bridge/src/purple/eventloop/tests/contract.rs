//! Lines 1 to 8 of the contract: watchers and timers on the libpurple thread.

use super::*;

#[test]
fn two_readers_of_one_descriptor_both_fire_level_triggered() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (seen, first) = count();
    let second = seen.clone();
    run.watch(one.as_raw_fd(), READ, move |_, _| first.set(first.get() + 1));
    run.watch(one.as_raw_fd(), READ, move |_, _| second.set(second.get() + 100));
    assert!(!run.turn());
    two.write_all(b"x").unwrap();
    run.turn();
    assert_eq!(seen.get(), 101);
    run.turn();
    assert_eq!(seen.get(), 202);
}

#[test]
fn readers_and_writers_are_merged_and_leave_one_by_one() {
    let run = Loop::new();
    let (one, mut two) = pair();
    let (reads, read) = count();
    let (writes, write) = count();
    let reader = run.watch(one.as_raw_fd(), READ, move |_, condition| read.set(read.get() + condition));
    let writer = run.watch(one.as_raw_fd(), WRITE, move |_, condition| write.set(write.get() + condition));
    run.turn();
    assert_eq!((reads.get(), writes.get()), (0, WRITE.0));
    two.write_all(b"x").unwrap();
    assert!(remove_input(writer));
    run.turn();
    assert_eq!((reads.get(), writes.get()), (READ.0, WRITE.0));
    assert!(remove_input(reader));
    assert!(!remove_input(reader));
    assert!(!run.turn());
}
