//! `s.yaml` as the application's template: made from the repository's own, so that there is no second
//! copy to fall behind.
//!
//! Three things differ. The variables take the answers of the form that `publish.yaml` describes, the
//! credentials are those that the user picks, and nothing is built. Everything else is carried over
//! line by line, comments included.

use std::borrow::Cow;

/// What stands above the first line in place of the repository's own words.
const HEADER: &str = "\
# Deploys the function with Serverless Devs: `s deploy -y`. It is built already and lies in code/.
# What was chosen stands in `vars`; edit it and deploy again. Keys may be among it: keep this file out of
# repositories.
";

/// A variable that is asked for under another's name: the console offers the buckets of one region.
const ALIASES: [(&str, &str); 1] = [("bucketRegion", "region")];

/// Keys, which the renderer turns into a text that begins with `$` where nothing was filled in. The form
/// takes no `$` in them, so such a text is told from a key.
const SECRETS: [&str; 4] = ["jwtSecret", "ticketKeys", "receiptKeys", "webhookSecret"];

/// Lines that have to be there, or the changes would miss their places.
const LANDMARKS: [(&str, &str); 3] = [
    ("\naccess: ", "it has no access"),
    ("\nvars:\n", "it has no vars"),
    ("\n    actions:\n", "it has no actions"),
];

/// Writes the template, or says why not.
pub(super) fn write(deployment: &str) -> Result<String, &'static str> {
    if deployment.contains("{{") || deployment.contains("<%") {
        return Err("something in it would be taken for a place to fill in");
    }
    let start = deployment.find("edition:").ok_or("it has no edition")?;
    let body = &deployment[start..];
    for (landmark, what) in LANDMARKS {
        if !body.contains(landmark) {
            return Err(what);
        }
    }
    let mut text = HEADER.to_owned();
    for line in without_actions(body).map(question) {
        if line.contains("${env(") {
            return Err("it takes a variable of the shell outside of vars");
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Leaves out what is run before a deploy: the line `actions:` and what is indented below it.
fn without_actions(body: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    body.lines().filter(move |line| {
        inside = *line == "    actions:" || (inside && line.starts_with("      "));
        !inside
    })
}

/// Turns a line that takes a variable of the shell, or names the credentials, into one that is filled in.
fn question(line: &str) -> Cow<'_, str> {
    match line.split_once(": ") {
        Some(("access", _)) => "access: '{{ access }}'".into(),
        Some((key, value)) if is_variable(key) && value.starts_with("${env(") => {
            let name = key.trim_start();
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            let asked = alias.map_or(name, |(_, asked)| asked);
            if SECRETS.contains(&asked) {
                return format!("{key}: '{{{{ {asked}[0] === \"$\" ? \"\" : {asked} }}}}'").into();
            }
            format!("{key}: '{{{{ {asked} }}}}'").into()
        }
        _ => line.into(),
    }
}

/// Whether a key stands as far in as those of `vars` do, which is less than any of a function's.
fn is_variable(key: &str) -> bool {
    key.strip_prefix("  ").is_some_and(|name| name.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
# Ours.
edition: 3.0.0
access: default

vars:
  # Where.
  region: ${env('FC_REGION', 'cn-hangzhou')}
  bucketRegion: ${env('OSS_REGION', 'cn-hangzhou')}
  ticketKeys: ${env('UPLOAD_TICKET_KEYS', '')}

resources:
  signer:
    component: fc3
    actions:
      pre-deploy:
        - run: .deploy/build
    props:
      region: ${vars.region}
";

    #[test]
    fn variables_become_questions_and_nothing_is_built() {
        let body = write(SMALL).unwrap().replace(HEADER, "");
        insta::assert_snapshot!(body, @r#"
        edition: 3.0.0
        access: '{{ access }}'

        vars:
          # Where.
          region: '{{ region }}'
          bucketRegion: '{{ region }}'
          ticketKeys: '{{ ticketKeys[0] === "$" ? "" : ticketKeys }}'

        resources:
          signer:
            component: fc3
            props:
              region: ${vars.region}
        "#);
    }

    #[test]
    fn a_template_that_would_go_wrong_is_not_written() {
        for (change, by, what) in [
            ("edition", "version", "it has no edition"),
            ("access: default\n", "", "it has no access"),
            ("    actions:", "    hooks:", "it has no actions"),
            (
                "${env('FC_REGION', 'cn-hangzhou')}",
                "{{ region }}",
                "something in it would be taken for a place to fill in",
            ),
            ("${vars.region}", "${env('A')}", "it takes a variable of the shell outside of vars"),
        ] {
            assert_eq!(write(&SMALL.replace(change, by)), Err(what), "{change}");
        }
    }
}
