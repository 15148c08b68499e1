//! Tests the local OSS over HTTP. Pure rules are tested in the crate itself; these tests cover what
//! needs bytes on a connection.

mod body;
mod callback;
mod download;
mod network;
mod objects;
mod order;
mod pages;
mod permission;
mod responses;
mod values;
mod wire;
