//! The local STS as `emulate` runs it beside the local OSS: its options, and what it prints.

use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::{cloud, console};
use oss_emulator::faults::{FaultPlan, Faults};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::KeyRing;
use oss_emulator::sts;
use oss_upload_signer::{app, time};

#[derive(Args, Debug)]
pub(super) struct Lending {
    /// Run the local STS too, on this port; 0 lets the system choose
    #[arg(long, value_name = "PORT")]
    sts_port: Option<u16>,
    /// A role that the access key may assume; the first is also the role of the metadata service
    #[arg(long, value_name = "NAME", requires = "sts_port", default_value = "oss-uploader")]
    role: Vec<String>,
    /// A fault that calls of the STS meet, such as 'assume-role:throttle-429*2'; may be given
    /// several times
    #[arg(long, value_name = "FAULT", requires = "sts_port")]
    fault: Vec<FaultPlan>,
}

/// A local STS with its place to listen.
pub(super) struct Lender {
    sts: sts::Sts,
    listener: TcpListener,
    arns: Vec<String>,
}

/// What a local STS lends.
pub(super) struct Loan {
    /// The account of the roles; the emulator's own where none is named.
    pub(super) account: Option<String>,
    /// The roles; the first is also that of the metadata service.
    pub(super) roles: Vec<String>,
    /// The faults that its calls meet.
    pub(super) faults: Vec<FaultPlan>,
    /// The further names that it answers to.
    pub(super) hosts: AllowedHosts,
}

impl Lending {
    /// Opens the local STS, if one is wanted, over the keys of the local OSS.
    pub(super) async fn open(
        self,
        ring: KeyRing,
        hosts: AllowedHosts,
    ) -> Result<Option<Lender>, Failure> {
        let Some(port) = self.sts_port else {
            return Ok(None);
        };
        let listener = cloud::listen(port, "--sts-port").await?;
        let loan = Loan { account: None, roles: self.role, faults: self.fault, hosts };
        Lender::open(listener, loan, ring).map(Some)
    }
}

impl Lender {
    /// Opens a local STS over the keys of the local OSS.
    pub(super) fn open(listener: TcpListener, loan: Loan, ring: KeyRing) -> Result<Self, Failure> {
        let clock = Arc::new(|| time::now().unix());
        let faults = Faults::default();
        loan.faults.into_iter().for_each(|plan| faults.plan(plan));
        let mut options = sts::Options::new(clock, seed()?);
        if let Some(account) = loan.account {
            options.account = account;
        }
        options.ring = ring;
        options.hosts = loan.hosts;
        options.roles = loan.roles.iter().map(sts::RamRole::new).collect();
        options.metadata.role = loan.roles.first().cloned();
        options.faults = faults;
        options.observer = Some(Arc::new(report));
        let account = &options.account;
        let arns =
            loan.roles.iter().map(|role| format!("acs:ram::{account}:role/{role}")).collect();
        let sts = sts::Sts::open(options)
            .map_err(|error| Failure::arguments(format!("--role: {error}")))?;
        Ok(Self { sts, listener, arns })
    }

    /// Says where it listens and which roles there are.
    pub(super) fn announce(&self) -> Result<(), Failure> {
        let address = self.listener.local_addr()?;
        console::say(&format!("sts   http://{address}   http://{address}/credentials"));
        for arn in &self.arns {
            console::say(&format!("role  {arn}"));
        }
        Ok(())
    }

    /// Serves until `shutdown` ends.
    pub(super) async fn serve(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        self.sts.serve(self.listener, shutdown).await
    }
}

/// Draws another seed for each run: a web page that could guess it would know the keys that are lent.
fn seed() -> Result<[u8; 16], Failure> {
    app::system_random()().map_err(|error| Failure::new(format!("no randomness for keys: {error}")))
}

/// Says on the console what has just happened to a call.
fn report(event: &sts::StsEvent) {
    match event {
        sts::StsEvent::Issued { role, session, key_id, .. } => {
            console::say(&format!("lent     {key_id}  {role}/{session}"));
        }
        sts::StsEvent::Refused { status, code } => {
            console::say(&format!("refused  {status} {code}  (sts)"));
        }
    }
}
