//! `oss-upload rehearse` and the parts of `fc-emulator` behind it: packages that pass, packages that do not
//! start, functions that violate rules of the platform; the instance pool and its health checks; a whole deployment.

mod broken;
mod cloud;
mod good;
mod health;
mod package;
mod pool;
mod violations;
