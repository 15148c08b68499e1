//! The `s.yaml` of the application, a template. It is made of the repository's own `s.yaml`, so that there
//! is only one copy to maintain.
//!
//! Three things differ. The variables get the values of the form that `publish.yaml` describes, the
//! credentials are those that the user selects, and nothing is built. All other lines are copied, comments
//! included.

use std::borrow::Cow;

/// The comment at the beginning, in place of the repository's own.
const HEADER: &str = "\
# Deploys the function with Serverless Devs: `s deploy -y`. It is built already, in code/.
# The chosen values are in `vars`; edit them and deploy again. There may be keys among them: keep this file out of
# repositories.
";

/// Variables that get the value of another parameter: the console lists the buckets of one region.
const ALIASES: [(&str, &str); 1] = [("bucketRegion", "region")];

/// Secret parameters. The renderer writes a text that begins with `$` for an empty one. The form accepts no
/// `$` in them, so such a text is never a key.
const SECRETS: [&str; 4] = ["jwtSecret", "ticketKeys", "receiptKeys", "webhookSecret"];

/// Lines that the conversion depends on, and the errors if they are missing.
const REQUIRED_LINES: [(&str, &str); 3] = [
    ("\naccess: ", "it has no access"),
    ("\nvars:\n", "it has no vars"),
    ("\n    actions:\n", "it has no actions"),
];

/// Converts `s.yaml` into the template; the error says what is wrong with the file.
pub(super) fn convert(deployment: &str) -> Result<String, &'static str> {
    if deployment.contains("{{") || deployment.contains("<%") {
        return Err("something in it would be taken for a place to fill in");
    }
    let start = deployment.find("edition:").ok_or("it has no edition")?;
    let body = &deployment[start..];
    for (line, problem) in REQUIRED_LINES {
        if !body.contains(line) {
            return Err(problem);
        }
    }
    let mut text = HEADER.to_owned();
    for line in without_actions(body).map(parameterize) {
        if line.contains("${env(") {
            return Err("it takes a variable of the shell outside of vars");
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Removes the actions before a deployment: the line `actions:` and the lines that are indented below it.
fn without_actions(body: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    body.lines().filter(move |line| {
        inside = *line == "    actions:" || (inside && line.starts_with("      "));
        !inside
    })
}

/// Replaces the value of a line that uses a variable of the shell, or names the credentials, by a
/// placeholder.
fn parameterize(line: &str) -> Cow<'_, str> {
    match line.split_once(": ") {
        Some(("access", _)) => "access: '{{ access }}'".into(),
        Some((key, value)) if is_variable(key) && value.starts_with("${env(") => {
            let name = key.trim_start();
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            let parameter = alias.map_or(name, |(_, parameter)| parameter);
            if SECRETS.contains(&parameter) {
                return format!("{key}: '{{{{ {parameter}[0] === \"$\" ? \"\" : {parameter} }}}}'")
                    .into();
            }
            format!("{key}: '{{{{ {parameter} }}}}'").into()
        }
        _ => line.into(),
    }
}

/// Returns whether a key is indented as those of `vars`, which is less than any of a function's.
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
    fn variables_become_placeholders_and_nothing_is_built() {
        let body = convert(SMALL).unwrap().replace(HEADER, "");
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
    fn an_unexpected_file_is_rejected() {
        for (change, by, problem) in [
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
            assert_eq!(convert(&SMALL.replace(change, by)), Err(problem), "{change}");
        }
    }
}
