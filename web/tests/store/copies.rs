//! Back-ups and moves.
