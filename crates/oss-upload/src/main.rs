//! The developer tool. Its commands are listed in [`oss_upload`].

use std::process::ExitCode;

fn main() -> ExitCode {
    oss_upload::run()
}
