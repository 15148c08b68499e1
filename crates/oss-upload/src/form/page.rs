//! The HTML of the page: a form and a hint in two languages, without external resources.

use std::fmt;
use std::fmt::Write;

use crate::console;
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time::Timestamp;

/// Renders the page. The file comes last, because OSS ignores fields after it.
pub(super) fn render(route: &Route, fields: &[Field], expires_at: Timestamp) -> String {
    let mut inputs = String::new();
    for (name, value) in fields {
        // Writing into a String cannot fail.
        let _ = writeln!(
            inputs,
            "  <input type=\"hidden\" name=\"{}\" value=\"{}\">",
            EscapedHtml(name),
            EscapedHtml(value)
        );
    }
    let types: Vec<String> = route.types.iter().map(ToString::to_string).collect();
    let accept = match types.as_slice() {
        [] => String::new(),
        types => format!(" accept=\"{}\"", EscapedHtml(&types.join(","))),
    };
    PAGE.replace("{{inputs}}\n", &inputs)
        .replace("{{action}}", &EscapedHtml(route.host.as_str()).to_string())
        .replace("{{accept}}", &accept)
        .replace("{{english}}", &EscapedHtml(&english(route, &types, expires_at)).to_string())
        .replace("{{chinese}}", &EscapedHtml(&chinese(route, &types, expires_at)).to_string())
}

fn english(route: &Route, types: &[String], expires_at: Timestamp) -> String {
    let min = if route.size.min > 1 {
        format!("at least {}, ", console::size(route.size.min))
    } else {
        String::new()
    };
    let max = console::size(route.size.max);
    let types =
        if types.is_empty() { String::new() } else { format!(" Types: {}.", types.join(", ")) };
    format!("One file, {min}at most {max}.{types} This form works until {expires_at}.")
}

fn chinese(route: &Route, types: &[String], expires_at: Timestamp) -> String {
    let min = if route.size.min > 1 {
        format!("不小于 {}，", console::size(route.size.min))
    } else {
        String::new()
    };
    let max = console::size(route.size.max);
    let types =
        if types.is_empty() { String::new() } else { format!("类型：{}。", types.join("、")) };
    format!("一个文件，{min}不超过 {max}。{types}本表单在 {expires_at} 之前有效。")
}

/// Displays a text escaped for HTML, for text and for quoted attributes.
struct EscapedHtml<'a>(&'a str);

impl fmt::Display for EscapedHtml<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                // Browsers may change a bare line end in an attribute.
                '\r' => formatter.write_str("&#13;")?,
                '\n' => formatter.write_str("&#10;")?,
                // A value must not look like a placeholder of this template.
                '{' => formatter.write_str("&#123;")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'">
<title>Upload · 上传</title>
<link rel="icon" href="data:,">
<style>
  html { background: Canvas; color: CanvasText; }
  body { max-width: 36rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }
  form { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; justify-items: start; }
  h1, p { overflow-wrap: anywhere; }
  label { font-weight: 600; }
  input, button { font: inherit; box-sizing: border-box; max-width: 100%; }
  button { padding: 0.5rem 1.5rem; }
</style>
<h1>Upload a file · <span lang="zh-CN">上传文件</span></h1>
<form action="{{action}}" method="post" enctype="multipart/form-data" accept-charset="utf-8">
{{inputs}}
  <label for="file">File · <span lang="zh-CN">文件</span></label>
  <div id="hint">
    <p>{{english}}</p>
    <p lang="zh-CN">{{chinese}}</p>
  </div>
  <input id="file" type="file" name="file"{{accept}} aria-describedby="hint" required>
  <button>Upload · <span lang="zh-CN">上传</span></button>
</form>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_attribute() {
        let text = "\"><script>'&\r\n{{english}}";
        assert_eq!(
            EscapedHtml(text).to_string(),
            "&quot;&gt;&lt;script&gt;&#39;&amp;&#13;&#10;&#123;&#123;english}}"
        );
    }
}
