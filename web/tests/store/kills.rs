//! Power cuts and full disks.
