//! The store on real databases: the same cases on SQLite, MariaDB and PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod copies;
mod index;
mod journal;
mod kills;
mod make;
mod schemas;
mod servers;
