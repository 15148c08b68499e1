//! Rehearsals of packages: good ones of three kinds, and ones that break in every way that is told
//! apart.

mod broken;
mod fleet;
mod good;
mod health;
mod package;
mod rogue;
