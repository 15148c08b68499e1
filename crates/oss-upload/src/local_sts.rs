//! The local STS as `dev` and `emulate` run it beside the local OSS: its options and its console output.

use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use crate::error::CommandError;
use crate::{console, local_oss};
use oss_emulator::faults::{FaultPlan, Faults};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::KeyRing;
use oss_emulator::sts;
use oss_upload_signer::{app, time};

#[derive(Args, Debug)]
pub(super) struct StsOptions {
    /// Run the local STS too, on this port; 0 lets the system choose
    #[arg(long, value_name = "PORT")]
    sts_port: Option<u16>,
    /// A role that the access key may assume; the first is also the role of the metadata service
    #[arg(long, value_name = "NAME", requires = "sts_port", default_value = "oss-uploader")]
    role: Vec<String>,
    /// A fault of the local STS, such as 'assume-role:throttle-429*2'; may be given several times
    #[arg(long, value_name = "FAULT", requires = "sts_port")]
    fault: Vec<FaultPlan>,
}

/// A local STS with its listener.
pub(super) struct LocalSts {
    sts: sts::Sts,
    listener: TcpListener,
    role_arns: Vec<String>,
}

/// The parts of a local STS.
pub(super) struct StsConfig {
    /// The account of the roles; default is that of the emulator.
    pub(super) account: Option<String>,
    /// The names of the roles; the first is also the role of the metadata service.
    pub(super) roles: Vec<String>,
    pub(super) faults: Vec<FaultPlan>,
    /// Additional host names.
    pub(super) hosts: AllowedHosts,
}

impl StsOptions {
    /// Opens the local STS if a port is given. Its keys are added to the key ring of the local OSS.
    pub(super) async fn open(
        self,
        ring: KeyRing,
        hosts: AllowedHosts,
    ) -> Result<Option<LocalSts>, CommandError> {
        let Some(port) = self.sts_port else {
            return Ok(None);
        };
        let listener = local_oss::listen(port, "--sts-port").await?;
        let config = StsConfig { account: None, roles: self.role, faults: self.fault, hosts };
        LocalSts::open(listener, config, ring).map(Some)
    }
}

impl LocalSts {
    /// Opens a local STS whose keys are added to the key ring of the local OSS.
    pub(super) fn open(
        listener: TcpListener,
        config: StsConfig,
        ring: KeyRing,
    ) -> Result<Self, CommandError> {
        let clock = Arc::new(|| time::now().unix());
        let faults = Faults::default();
        config.faults.into_iter().for_each(|plan| faults.plan(plan));
        let mut options = sts::Options::new(clock, seed()?);
        if let Some(account) = config.account {
            options.account = account;
        }
        options.ring = ring;
        options.hosts = config.hosts;
        options.roles = config.roles.iter().map(sts::RamRole::new).collect();
        options.metadata.role = config.roles.first().cloned();
        options.faults = faults;
        options.observer = Some(Arc::new(print_event));
        let account = &options.account;
        let role_arns =
            config.roles.iter().map(|role| format!("acs:ram::{account}:role/{role}")).collect();
        let sts = sts::Sts::open(options)
            .map_err(|error| CommandError::usage(format!("--role: {error}")))?;
        Ok(Self { sts, listener, role_arns })
    }

    /// Returns the STS, which can issue keys of roles that were created.
    pub(super) fn sts(&self) -> sts::Sts {
        self.sts.clone()
    }

    /// Prints the address and the roles.
    pub(super) fn print_addresses(&self) -> Result<(), CommandError> {
        let address = self.listener.local_addr()?;
        console::print_line(&format!("sts   http://{address}   http://{address}/credentials"));
        for arn in &self.role_arns {
            console::print_line(&format!("role  {arn}"));
        }
        Ok(())
    }

    /// Serves until `shutdown` completes.
    pub(super) async fn serve(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        self.sts.serve(self.listener, shutdown).await
    }
}

/// Returns a random seed. With a known seed, a web page could compute the issued keys.
fn seed() -> Result<[u8; 16], CommandError> {
    app::system_random()()
        .map_err(|error| CommandError::new(format!("no random bytes for keys: {error}")))
}

/// Prints one line for an event of the local STS.
fn print_event(event: &sts::StsEvent) {
    let line = match event {
        sts::StsEvent::Issued { role, session, key_id, .. } => {
            format!("issued   {key_id}  {role}/{session}")
        }
        sts::StsEvent::Refused { status, code } => format!("refused  {status} {code}  (sts)"),
    };
    console::print_line(&line);
}
