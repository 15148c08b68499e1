//! The developer's tool, command by command.

mod errors;
