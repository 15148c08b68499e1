//! The developer's tool. What it can do is listed in [`oss_upload_signer::tool`].

use std::process::ExitCode;

fn main() -> ExitCode {
    oss_upload_signer::tool::run()
}
