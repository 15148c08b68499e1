//! The developer's tool. What it can do is listed in [`oss_upload`].

use std::process::ExitCode;

fn main() -> ExitCode {
    oss_upload::run()
}
