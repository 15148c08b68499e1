//! Which files the package has, and what stands in them. All but the binary and the settings come
//! from this repository, as it was when the tool was built.

use crate::failure::Failure;
use crate::package::template;
use crate::package::tree::Tree;

const BOOTSTRAP: &str = include_str!("../../../../bootstrap");
const DEPLOYMENT: &str = include_str!("../../../../s.yaml");
const PUBLISH: &str = include_str!("../../../../.deploy/app/publish.yaml");
const LICENSE: &str = include_str!("../../../../LICENSE");
const README: &str = include_str!("../../../../.deploy/app/readme.md");
const VERSION: &str = include_str!("../../../../.deploy/app/version.md");

/// Where the version goes in these.
const PLACEHOLDER: &str = "@version@";

/// Lays out what the platform unpacks into `/code`.
pub(super) fn code(binary: Vec<u8>, settings: Option<Vec<u8>>) -> Tree {
    let mut code = Tree::default();
    code.put_program("bootstrap", BOOTSTRAP);
    code.put_program("oss-upload-signer", binary);
    if let Some(settings) = settings {
        code.put("upload.toml", settings);
    }
    code
}

/// Lays out the application: what the registry reads, and under `src/` what the user gets.
pub(super) fn around(code: &Tree) -> Result<Tree, Failure> {
    let versioned = |text: &str| text.replace(PLACEHOLDER, env!("CARGO_PKG_VERSION"));
    let deployment = template::write(DEPLOYMENT)
        .map_err(|what| Failure::new(format!("s.yaml cannot be made a template: {what}")))?;
    let mut application = Tree::default();
    application.put("publish.yaml", versioned(PUBLISH));
    application.put("readme.md", README);
    application.put("version.md", versioned(VERSION));
    application.put("src/LICENSE", LICENSE);
    application.put("src/readme.md", README);
    application.put("src/s.yaml", deployment);
    application.put_below("src/code", code);
    Ok(application)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use yaml_rust2::YamlLoader;

    use super::*;

    /// What the form asks, with the type of each.
    fn parameters() -> Vec<(String, String)> {
        let publish = YamlLoader::load_from_str(PUBLISH).unwrap();
        let properties = publish[0]["Parameters"]["properties"].as_hash().unwrap().clone();
        properties
            .into_iter()
            .map(|(name, parameter)| {
                (name.into_string().unwrap(), parameter["type"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    #[test]
    fn what_the_form_asks_is_what_the_template_takes() {
        let asked: BTreeSet<_> = parameters().into_iter().map(|(name, _)| name).collect();
        let deployment = template::write(DEPLOYMENT).unwrap();
        let places = deployment.split("{{ ").skip(1);
        let taken: BTreeSet<_> = places
            .filter_map(|rest| rest.split([' ', '[']).next())
            .filter(|name| *name != "access")
            .map(str::to_owned)
            .collect();
        assert_eq!(asked, taken);
    }

    #[test]
    fn a_key_that_was_not_filled_in_is_told_from_one_that_was() {
        let deployment = template::write(DEPLOYMENT).unwrap();
        for (name, kind) in parameters() {
            let guarded = deployment.contains(&format!("{{{{ {name}[0] === "));
            assert_eq!(guarded, kind == "secret", "{name}");
        }
    }
}
