//! The course of a connection.

mod answer;
mod entry;
