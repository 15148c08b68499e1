//! Whose key is taken, from the settings to the key.

mod order;
