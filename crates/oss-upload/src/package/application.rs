//! The files of the package. All but the binary and the settings come from this repository, as it was
//! when the tool was built.

use crate::error::CommandError;
use crate::package::files::PackageFiles;
use crate::package::template;

const BOOTSTRAP: &str = include_str!("../../../../bootstrap");
const DEPLOYMENT: &str = include_str!("../../../../s.yaml");
const PUBLISH: &str = include_str!("../../../../.deploy/app/publish.yaml");
const LICENSE: &str = include_str!("../../../../LICENSE");
const README: &str = include_str!("../../../../.deploy/app/readme.md");
const VERSION: &str = include_str!("../../../../.deploy/app/version.md");

/// The placeholder for the version in these texts.
const VERSION_PLACEHOLDER: &str = "@version@";

/// Returns the files that the platform unpacks into `/code`.
pub(super) fn code_files(binary: Vec<u8>, settings: Option<Vec<u8>>) -> PackageFiles {
    let mut code = PackageFiles::default();
    code.add_executable("bootstrap", BOOTSTRAP);
    code.add_executable("oss-upload-signer", binary);
    if let Some(settings) = settings {
        code.add("upload.toml", settings);
    }
    code
}

/// Returns the files of the application: those for the registry, and below `src/` those for the user.
pub(super) fn application_files(code: &PackageFiles) -> Result<PackageFiles, CommandError> {
    let versioned = |text: &str| text.replace(VERSION_PLACEHOLDER, env!("CARGO_PKG_VERSION"));
    let deployment = template::convert(DEPLOYMENT).map_err(|problem| {
        CommandError::new(format!("s.yaml cannot become a template: {problem}"))
    })?;
    let mut application = PackageFiles::default();
    application.add("publish.yaml", versioned(PUBLISH));
    application.add("readme.md", README);
    application.add("version.md", versioned(VERSION));
    application.add("src/LICENSE", LICENSE);
    application.add("src/readme.md", README);
    application.add("src/s.yaml", deployment);
    application.add_below("src/code", code);
    Ok(application)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use yaml_rust2::YamlLoader;

    use super::*;

    /// The parameters of the form with their types.
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
    fn the_form_and_the_template_have_the_same_parameters() {
        let of_form: BTreeSet<_> = parameters().into_iter().map(|(name, _)| name).collect();
        let deployment = template::convert(DEPLOYMENT).unwrap();
        let placeholders = deployment.split("{{ ").skip(1);
        let of_template: BTreeSet<_> = placeholders
            .filter_map(|rest| rest.split([' ', '[']).next())
            .filter(|name| *name != "access")
            .map(str::to_owned)
            .collect();
        assert_eq!(of_form, of_template);
    }

    #[test]
    fn an_empty_secret_is_recognised() {
        let deployment = template::convert(DEPLOYMENT).unwrap();
        for (name, kind) in parameters() {
            let guarded = deployment.contains(&format!("{{{{ {name}[0] === "));
            assert_eq!(guarded, kind == "secret", "{name}");
        }
    }
}
