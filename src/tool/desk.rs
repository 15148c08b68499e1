//! The desk at which the tool signs: a route, keys, one reading of the clock, one throw of the dice.

use std::sync::Arc;

use crate::app::App;
use crate::credentials::Credentials;
use crate::policy::route::MAX_LIFETIME;
use crate::policy::route::Route;
use crate::policy::template::occasion::Dice;
use crate::policy::template::occasion::Occasion;
use crate::settings::environment::Environment;
use crate::time;
use crate::time::Timestamp;
use crate::tool::failure::Failure;
use crate::tool::rules;
use crate::tool::rules::Place;
use crate::tool::rules::Rules;

/// Everything that one command signs with.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) route: Route,
    pub(super) credentials: Arc<Credentials>,
    pub(super) now: Timestamp,
    pub(super) dice: Dice,
}

/// Gives the key in the environment, if there is one, for who only wants to compare.
pub(super) fn keys() -> Option<Arc<Credentials>> {
    let now = time::now();
    let (settings, _) =
        rules::load(&Place::anywhere(), &Rules::default(), Environment::of_process(), now).ok()?;
    settings.sources.environment_key?.read(now).ok()
}

impl Desk {
    /// Takes the rules from the options, the keys from the environment.
    pub(super) fn open(place: &Place, rules: &Rules) -> Result<Self, Failure> {
        let now = time::now();
        let (settings, route) = rules::load(place, rules, Environment::of_process(), now)?;
        let key = settings.sources.environment_key.as_ref().and_then(|key| key.read(now).ok());
        let credentials = key.ok_or_else(|| {
            Failure::arguments(
                "there is no key to sign with; set ALIBABA_CLOUD_ACCESS_KEY_ID and \
                 ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN for a temporary key",
            )
        })?;
        if route.lifetime > MAX_LIFETIME && credentials.usable_until.is_some() {
            return Err(Failure::arguments(
                "--expires: more than 7 days are possible only with a long-lived key, and the one in \
                 the environment is temporary",
            ));
        }
        let dice = App::new(settings)
            .dice()
            .map_err(|_| Failure::new("the system gave no random bytes"))?;
        Ok(Self { route, credentials, now, dice })
    }

    /// Gives the same desk at another reading of the clock.
    pub(super) fn at(&self, now: Timestamp) -> Self {
        Self { now, ..self.clone() }
    }

    /// What this desk knows of a grant: when and with which dice, and of nobody that they asked.
    pub(super) fn occasion(&self) -> Occasion<'_> {
        Occasion::anonymous(self.now, &self.dice)
    }

    /// Until when a form of this desk is good: as long as the rules say, and no longer than its key.
    pub(super) fn until(&self) -> Timestamp {
        let wanted = self.now.plus(self.route.lifetime);
        self.credentials.usable_until.map_or(wanted, |end| wanted.min(end))
    }
}
